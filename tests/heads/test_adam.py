import keras
import numpy as np
import tensorflow as tf

from fsl_keras.heads.adam import adam


def test_steps_are_those_of_keras():
    start = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    variable = keras.Variable(start)
    optimizer = keras.optimizers.Adam(0.1, epsilon=1e-8)
    for _ in range(7):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cosh(variable.value))
        optimizer.apply([tape.gradient(loss, variable.value)], [variable])
    weights = adam(keras.ops.sinh, start, 7, 0.1)
    np.testing.assert_allclose(weights, variable.value, rtol=1e-5, atol=1e-6)


def test_the_first_step_is_the_rate_whatever_the_gradient():
    gradients = np.array([[1e-3, -5.0, 700.0]], "float32")
    weights = adam(lambda _: gradients, np.zeros((1, 3), "float32"), 1, 0.01)
    np.testing.assert_allclose(weights, [[-0.01, 0.01, -0.01]], rtol=1e-4)


def test_no_step_leaves_the_weights():
    start = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(adam(keras.ops.sinh, start, 0, 0.1), start)
