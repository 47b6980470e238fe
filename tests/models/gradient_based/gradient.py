"""Networks and tasks on which a gradient-based learner takes milliseconds."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fsl_keras.layers import FusedBatchNormalization


def mlp(ways=3, seed=0):
    """A nonlinear network of vectors, without batch normalization."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, activation="tanh", name="body"),
            layers.Dense(ways, name="head"),
        ]
    )


def normalized(ways=3, seed=0, activation="relu"):
    """A network of images with batch normalization."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            FusedBatchNormalization(momentum=0.5, name="norm"),
            layers.Activation(activation),
            layers.GlobalAveragePooling2D(),
            layers.Dense(ways, name="head"),
        ]
    )


def embedding(seed=0):
    """A backbone of vectors."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(6, activation="tanh", name="body")]
    )


def episodes(item_shape=(4,), ways=3, shots=2, queries=4, tasks=2, seed=0):
    """One batch `x`, `y` of tasks whose classes are clusters."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(tasks, ways, 1, *item_shape))

    def items(count):
        noise = rng.normal(size=(tasks, ways, count, *item_shape))
        return (centers + 0.3 * noise).reshape(tasks, -1, *item_shape).astype("float32")

    labels = np.tile(np.eye(ways, dtype="float32").repeat(shots, 0), (tasks, 1, 1))
    x = {"support": items(shots), "support_labels": labels, "query": items(queries)}
    y = np.tile(np.arange(ways, dtype="int32").repeat(queries), (tasks, 1))
    return x, y


def meta_loss(model, x, y):
    return model.training_loss(x, y, None)[1]


def meta_gradients(model, x, y):
    with tf.GradientTape() as tape:
        loss = meta_loss(model, x, y)
    weights = [weight.value for weight in model.trainable_weights]
    return tape.gradient(loss, weights)


def assert_gradient_matches_finite_differences(make_model, item_shape=(4,)):
    """The meta-gradient agrees with finite differences of the meta-loss.

    The differences are in float64. The gradient is in float32, the only dtype in which
    batch normalization uses the fused kernel.
    """
    model = make_model()
    model.compile()
    x, y = episodes(item_shape)
    gradients = meta_gradients(model, x, y)
    exact = _in_float64(make_model)
    exact.set_weights(model.get_weights())
    x = keras.tree.map_structure(lambda value: tf.cast(value, "float64"), x)
    weights = exact.trainable_weights
    start = [weight.numpy() for weight in weights]
    rng = np.random.default_rng(1)
    step = 1e-6  # too small for a maximum or a ReLU to change sides
    for _ in range(3):
        direction = [rng.normal(size=weight.shape) for weight in weights]
        losses = []
        for side in (step, -step):
            for weight, value, part in zip(weights, start, direction, strict=True):
                weight.assign(value + side * part)
            losses.append(float(meta_loss(exact, x, y)))
        pairs = zip(gradients, direction, strict=True)
        derivative = sum(np.sum(gradient * part) for gradient, part in pairs)
        expected = (losses[0] - losses[1]) / (2 * step)
        assert derivative == pytest.approx(expected, rel=1e-4, abs=1e-5)


def _in_float64(make_model):
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model = make_model()
        model.compile()
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    return model
