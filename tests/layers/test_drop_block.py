import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers import DropBlock
from tests.checks import assert_config_round_trip, assert_symbolic_shape


def ones(shape=(64, 12, 10, 8)):
    return np.ones(shape, "float32")


@pytest.mark.parametrize("training", [None, False])
def test_maps_stay_as_they_are_outside_of_training(training):
    maps = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    dropped = DropBlock(0.5, 3)(maps, training=training)
    np.testing.assert_array_equal(dropped, maps)


def test_a_rate_of_zero_drops_nothing():
    np.testing.assert_array_equal(DropBlock(0.0)(ones(), training=True), ones())


@pytest.mark.parametrize("block_size", [1, 3, 5])
def test_about_the_share_asked_is_dropped_and_the_rest_scaled_up(block_size):
    dropped = np.asarray(DropBlock(0.1, block_size, seed=0)(ones(), training=True))
    share = np.mean(dropped == 0)
    assert 0.085 < share < 0.105  # regions overlap a little
    np.testing.assert_allclose(dropped.mean(), 1, rtol=1e-5)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / (1 - share), rtol=1e-5)


def test_what_is_dropped_are_whole_regions():
    # So seldom that regions rarely meet: a map with one has exactly its 9 places.
    dropped = np.asarray(DropBlock(0.01, 3, seed=0)(ones(), training=True)) == 0
    counts = dropped.sum(axis=(1, 2)).ravel()
    assert np.mean(counts == 9) > 0.05
    assert not ((counts > 0) & (counts < 9)).any()
    for place, channel in np.argwhere(dropped.sum(axis=(1, 2)) == 9)[:20]:
        rows, columns = np.nonzero(dropped[place, :, :, channel])
        assert (np.ptp(rows), np.ptp(columns)) == (2, 2)


def test_regions_are_at_most_the_whole_map():
    dropped = np.asarray(DropBlock(0.3, 7, seed=0)(ones((64, 4, 4, 8)), training=True))
    assert set(np.unique((dropped == 0).sum(axis=(1, 2)))) == {0, 16}


def test_the_gradient_is_what_is_kept():
    layer, maps = DropBlock(0.3, 3, seed=0), tf.constant(ones((2, 6, 6, 3)))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        dropped = layer(maps, training=True)
    np.testing.assert_allclose(tape.gradient(dropped, maps), dropped)


def test_a_seed_repeats_and_every_call_differs():
    layers = DropBlock(0.3, 3, seed=5), DropBlock(0.3, 3, seed=5)
    first, again = (layer(ones(), training=True) for layer in layers)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - layers[0](ones(), training=True)).max() > 0


def test_xla():
    drop = tf.function(DropBlock(0.1, 3, seed=0), jit_compile=True)
    first, second = (np.asarray(drop(ones(), training=True)) for _ in range(2))
    assert 0.085 < np.mean(first == 0) < 0.105
    np.testing.assert_allclose(first.mean(), 1, rtol=1e-5)
    assert np.abs(first - second).max() > 0


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(dtype):
    dropped = DropBlock(0.1, 3, seed=0, dtype=dtype)(ones(), training=True)
    assert keras.backend.standardize_dtype(dropped.dtype) == dtype[6:]
    np.testing.assert_allclose(np.mean(tf.cast(dropped, "float32")), 1, rtol=1e-2)


def test_configuration():
    assert_config_round_trip(DropBlock(0.2, 3, seed=1, name="drop"))


def test_symbolic_shape():
    assert_symbolic_shape(DropBlock(0.2, 3), ones((2, 6, 6, 3)), training=True)


def test_maps_of_unknown_size_are_refused():
    with pytest.raises(ValueError, match=r"fixed size.*keras\.Input.*None"):
        DropBlock(0.2)(keras.Input((None, None, 3)))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_rates_without_a_meaning_are_refused(rate):
    with pytest.raises(ValueError, match=rf"\[0, 1\).*rate={rate}"):
        DropBlock(rate)


def test_regions_without_a_size_are_refused():
    with pytest.raises(ValueError, match=r"at least 1.*block_size=0"):
        DropBlock(0.1, block_size=0)
