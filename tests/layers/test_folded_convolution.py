"""The layer is measured against the three layers of Keras that it stands for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fsl_keras.layers._folded_convolution import FoldedConvolution
from tests.checks import (
    assert_config_round_trip,
    assert_same_predictions_after_saving,
    assert_symbolic_shape,
)


def pictures(seed=0, shape=(5, 8, 7, 2)):
    return np.random.default_rng(seed).random(shape, "float32")


def both(channels=2, dtype=None):
    """The layer and the three, with the same weights."""
    ours = FoldedConvolution(6, momentum=0.8, epsilon=0.01, dtype=dtype)
    theirs = keras.Sequential(
        [
            keras.Input((8, 7, channels)),
            layers.Conv2D(6, 3, padding="same", use_bias=False, dtype=dtype),
            layers.BatchNormalization(momentum=0.8, epsilon=0.01, dtype=dtype),
            layers.MaxPooling2D(2, dtype=dtype),
        ]
    )
    ours.build((None, 8, 7, channels))
    rng = np.random.default_rng(1)
    weights = [rng.uniform(-1.0, 1.0, w.shape) for w in theirs.weights]
    weights[-1] = np.abs(weights[-1])  # a variance
    for layer in (ours, theirs):
        layer.set_weights(weights)
    return ours, theirs


def assert_equal(ours, theirs, **tolerance):
    tolerance = tolerance or {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(
        tf.cast(ours, "float32"), tf.cast(theirs, "float32"), **tolerance
    )


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_outputs_and_moving_statistics_over_steps(channels):
    # The scales are of either sign: the maximum comes after them.
    ours, theirs = both(channels)
    for step in range(3):
        x = pictures(step, (5, 8, 7, channels))
        assert_equal(ours(x, training=True), theirs(x, training=True))
    for our, their in zip(ours.weights, theirs.weights, strict=True):
        assert_equal(our, their)


def test_inference():
    ours, theirs = both()
    assert_equal(ours(pictures()), theirs(pictures()))


@pytest.mark.parametrize("training", [True, False])
def test_gradients(training):
    found = []
    for layer in both():
        x = tf.constant(pictures())
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean((layer(x, training=training) - 0.3) ** 3)
        found.append(tape.gradient(loss, [x, *layer.trainable_variables]))
    for our, their in zip(*found, strict=True):
        assert np.abs(their).max() > 1e-5
        assert_equal(our, their, rtol=1e-3, atol=1e-6)


def test_second_order_gradient():
    # What MAML takes: the gradient through a step along the gradient. Against finite
    # differences, as the second derivative of Keras's layer is not exact: the mean in
    # its variance has no gradient.
    layer, _ = both(dtype="float64")

    def after_a_step(x):
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_mean((layer(x, training=True) - 0.3) ** 3)
        stepped = x - 0.1 * inner.gradient(loss, x)
        return tf.reduce_mean((layer(stepped, training=True) - 0.2) ** 2)

    x = tf.constant(pictures(), "float64")
    with tf.GradientTape() as outer:
        outer.watch(x)
        result = after_a_step(x)
    along = np.random.default_rng(2).normal(size=x.shape)
    slope = tf.reduce_sum(outer.gradient(result, x) * along)
    rise = after_a_step(x + 1e-5 * along) - after_a_step(x - 1e-5 * along)
    np.testing.assert_allclose(slope, rise / 2e-5, rtol=1e-7)


def test_pictures_without_contrast_have_no_variance():
    ours, theirs = both()
    x = np.full((2, 8, 7, 2), 0.5, "float32")
    assert_equal(ours(x, training=True), theirs(x, training=True))


def test_a_frozen_layer_uses_and_keeps_its_statistics():
    ours, _ = both()
    ours.trainable = False
    before = ours.get_weights()
    assert_equal(ours(pictures(), training=True), ours(pictures(), training=False))
    for value, kept in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, value)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_mixed_precision(dtype, training):
    ours, _ = both(dtype=dtype)
    exact, _ = both()
    result = ours(pictures(), training=training)
    assert result.dtype == ours.compute_dtype
    assert_equal(result, exact(pictures(), training=training), atol=0.05)
    for a, b in zip(ours.weights, exact.weights, strict=True):
        assert a.dtype == "float32"
        assert_equal(a, b, rtol=1e-2, atol=1e-3)


def test_shapes():
    assert_symbolic_shape(FoldedConvolution(6), pictures())
    assert FoldedConvolution(6).compute_output_shape((None, None, 9, 1))[1:3] == (
        None,
        4,
    )


def test_compiled_by_xla():
    ours, _ = both()
    compiled = tf.function(lambda x: ours(x), jit_compile=True)
    assert_equal(compiled(pictures()), ours(pictures()))


def test_configuration_and_saving(tmp_path):
    layer = FoldedConvolution(4, momentum=0.9, epsilon=1e-4)
    assert_config_round_trip(layer)
    network = keras.Sequential([keras.Input((8, 7, 2)), layer])
    assert_same_predictions_after_saving(network, pictures(), tmp_path / "net.keras")
