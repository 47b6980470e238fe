"""The layer is measured against the layer of Keras that it stands for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers import FusedBatchNormalization
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


def pictures(seed=0, shape=(6, 5, 4, 3)):
    return np.random.default_rng(seed).normal(2.0, 3.0, shape).astype("float32")


def both(shape=(6, 5, 4, 3), **kwargs):
    """The two layers with the same weights."""
    layers = (
        FusedBatchNormalization(**kwargs),
        keras.layers.BatchNormalization(**kwargs),
    )
    rng = np.random.default_rng(1)
    for layer in layers:
        layer.build(shape)
    weights = [rng.uniform(0.5, 2.0, w.shape) for w in layers[0].weights]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def assert_equal(ours, theirs, **tolerance):
    tolerance = tolerance or {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(
        tf.cast(ours, "float32"), tf.cast(theirs, "float32"), **tolerance
    )


VARIANTS = {
    "plain": {},
    "no scale": {"scale": False},
    "no center": {"center": False},
    "neither": {"scale": False, "center": False},
    "momentum and epsilon": {"momentum": 0.7, "epsilon": 0.1},
    "first axis": {"axis": 1},
    "renorm": {"renorm": True},
}


@pytest.mark.parametrize("kwargs", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (7, 3)], ids=["rank 4", "rank 2"])
class TestEqualsTheLayerOfKeras:
    def test_outputs_and_moving_statistics_over_steps(self, shape, kwargs):
        ours, theirs = both(shape, **kwargs)
        for step in range(4):
            x = pictures(step, shape)
            assert_equal(ours(x, training=True), theirs(x, training=True))
        for our, their in zip(ours.weights, theirs.weights, strict=True):
            assert_equal(our, their)

    def test_inference(self, shape, kwargs):
        ours, theirs = both(shape, **kwargs)
        assert_equal(ours(pictures(0, shape)), theirs(pictures(0, shape)))

    @pytest.mark.parametrize("training", [True, False])
    def test_gradients(self, shape, kwargs, training):
        target = pictures(9, shape)
        found = []
        for layer in both(shape, **kwargs):
            x = tf.constant(pictures(0, shape))
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_mean((layer(x, training=training) - target) ** 2)
            sources = [x, *(w.value for w in layer.trainable_weights)]
            found.append(tape.gradient(loss, sources))
        for our, their in zip(*found, strict=True):
            assert_equal(our, their)


def test_pictures_take_the_fused_kernel():
    # What the other tests compare would be the layer of Keras with itself.
    layer = FusedBatchNormalization()
    layer.build((None, 5, 4, 3))
    run = tf.function(lambda x: layer(x, training=True))
    graph = run.get_concrete_function(tf.TensorSpec((None, 5, 4, 3)))
    assert "FusedBatchNormV3" in {op.type for op in graph.graph.get_operations()}


@pytest.mark.parametrize("kwargs", [{"renorm": True}, {"synchronized": True}])
def test_what_the_kernel_cannot_do_is_left_to_keras(kwargs):
    layer = FusedBatchNormalization(**kwargs)
    layer.build((None, 5, 4, 3))
    run = tf.function(lambda x: layer(x, training=True))
    graph = run.get_concrete_function(tf.TensorSpec((None, 5, 4, 3)))
    assert "FusedBatchNormV3" not in {op.type for op in graph.graph.get_operations()}


def test_second_order_gradient():
    # What MAML takes: the gradient through a step along the gradient.
    found = []
    for layer in both():
        x = tf.constant(pictures())
        target = tf.constant(pictures(9))
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_mean((layer(x, training=True) - target) ** 3)
            stepped = x - 0.1 * inner.gradient(loss, x)
            result = tf.reduce_mean((layer(stepped, training=True) - target) ** 2)
        found.append(outer.gradient(result, [x, *(w.value for w in layer.weights[:2])]))
    for our, their in zip(*found, strict=True):
        assert np.abs(their).max() > 1e-6
        assert_equal(our, their, rtol=1e-3, atol=1e-5)


def test_a_mask_leaves_places_out():
    ours, theirs = both()
    mask = np.random.default_rng(2).random((6, 5, 4)) < 0.5
    x = pictures()
    masked = ours(x, training=True, mask=mask)
    assert_equal(masked, theirs(x, training=True, mask=mask))
    assert np.abs(masked - ours(x, training=True)).max() > 0.01


def test_a_frozen_layer_uses_and_keeps_its_statistics():
    ours, theirs = both()
    ours.trainable = theirs.trainable = False
    before = ours.get_weights()
    assert_equal(ours(pictures(), training=True), theirs(pictures(), training=True))
    for value, kept in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, value)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("mixed_float16", 2e-2), ("mixed_bfloat16", 1e-1)]
)
@pytest.mark.parametrize("training", [True, False])
def test_mixed_precision(dtype, tolerance, training):
    ours, theirs = both(dtype=dtype)
    our, their = (layer(pictures(), training=training) for layer in (ours, theirs))
    assert our.dtype == their.dtype == ours.compute_dtype
    assert_equal(our, their, atol=tolerance)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        assert a.dtype == b.dtype == "float32"
        assert_equal(a, b, rtol=1e-2)


def test_float64_is_left_to_keras():
    ours, theirs = both(dtype="float64")
    x = pictures().astype("float64")
    normalized = ours(x, training=True)
    assert normalized.dtype == "float64"
    np.testing.assert_array_equal(normalized, theirs(x, training=True))


def test_the_weights_of_one_layer_are_those_of_the_other():
    ours, theirs = FusedBatchNormalization(), keras.layers.BatchNormalization()
    ours.build((None, 5, 4, 3))
    theirs.build((None, 5, 4, 3))
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    rng = np.random.default_rng(3)
    for source, target in ((ours, theirs), (theirs, ours)):
        source.set_weights([rng.uniform(0.5, 2.0, w.shape) for w in source.weights])
        target.set_weights(source.get_weights())
        assert_equal(target(pictures()), source(pictures()))


def test_configuration_and_saving(tmp_path):
    layer = FusedBatchNormalization(momentum=0.9, epsilon=1e-4, center=False)
    assert_config_round_trip(layer)
    network = keras.Sequential([keras.Input((5, 4, 3)), layer])
    assert_same_predictions_after_saving(network, pictures(), tmp_path / "net.keras")


def test_a_batch_of_one_number_has_no_variance():
    ours, theirs = both((1, 1, 1, 3))
    x = pictures(0, (1, 1, 1, 3))
    assert_equal(ours(x, training=True), theirs(x, training=True))
    assert_equal(ours.moving_variance, theirs.moving_variance)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 2, 3)], ids=["vectors", "pictures"])
def test_second_derivatives_beside_the_kernel_are_those_of_the_formula(shape):
    # In float64, where differences are exact enough; it takes the path of Keras, which
    # alone loses what goes through the mean of the variance.
    layer = FusedBatchNormalization(dtype="float64")
    layer.build(shape)
    rng = np.random.default_rng(0)
    inputs, weights, along = (rng.normal(size=shape) for _ in range(3))

    def slope(values):
        """The first derivative along a direction."""
        values = tf.convert_to_tensor(values)
        with tf.GradientTape() as tape:
            tape.watch(values)
            out = tf.reduce_sum(weights * layer(values, training=True) ** 2)
        return tf.reduce_sum(along * tape.gradient(out, values))

    start = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(start)
        first = slope(start)
    found = tf.reduce_sum(along * tape.gradient(first, start))
    step = 1e-5
    expected = (slope(inputs + step * along) - slope(inputs - step * along)) / 2 / step
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
