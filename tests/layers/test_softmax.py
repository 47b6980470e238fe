import keras
import numpy as np

from fsl_keras.layers.softmax import softmax


def test_it_is_that_of_keras():
    logits = np.random.default_rng(0).normal(scale=9, size=(2, 3, 5)).astype("float32")
    np.testing.assert_allclose(softmax(logits), keras.ops.softmax(logits), rtol=1e-5)


def test_a_single_class_is_certain_and_does_not_warn():
    np.testing.assert_array_equal(softmax(np.array([[3.0], [-1e9]])), [[1], [1]])
