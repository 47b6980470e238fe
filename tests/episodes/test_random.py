import itertools

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.episodes.random import between, fold_in, ranking, uniform

SEED = tf.constant([3, 4], "int64")
FOLDED = [-2882898006462487541, 5]
UNIFORM = [0.24328744411468506, 0.9835063219070435, 0.22041726112365723]


def test_numbers_are_the_same_everywhere():
    assert fold_in(SEED, 5).numpy().tolist() == FOLDED
    np.testing.assert_array_equal(uniform(SEED, [3]), np.float32(UNIFORM))


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_they_are_those_of_philox_in_tensorflow(jit_compile):
    def draw(seed, index):
        return fold_in(seed, index), uniform(seed, (7, 3))

    if jit_compile is not None:
        draw = tf.function(draw, jit_compile=jit_compile)
    numbers = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, (10, 3))
    for *seed, index in numbers.tolist():
        seed, index = tf.constant(seed, "int64"), tf.constant(index, "int64")
        folded, uniforms = draw(seed, index)
        expected = tf.random.fold_in(seed, index, alg="philox")
        np.testing.assert_array_equal(folded, expected)
        integers = tf.random.stateless_uniform(
            (7, 3), seed, minval=None, maxval=None, dtype="uint32", alg="philox"
        )
        np.testing.assert_array_equal(uniforms, integers.numpy() % 2**23 / 2**23)


def test_a_seed_folded_twice_depends_on_both_numbers():
    seeds = {
        tuple(fold_in(fold_in(SEED, i), j).numpy().tolist())
        for i in range(10)
        for j in range(10)
    }
    assert len(seeds) == 100


def test_the_type_of_the_index_does_not_matter():
    for index in (5, np.int32(5), tf.constant(5, "int32"), tf.constant(5, "int64")):
        assert fold_in(SEED, index).numpy().tolist() == FOLDED


def test_numbers_fill_the_unit_interval():
    numbers = uniform(SEED, [10_000]).numpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    assert np.abs(counts - 1000).max() < 150  # five standard deviations


def test_every_order_is_equally_likely():
    orders = ranking(SEED, (12_000, 3), 3).numpy()
    counts = [
        (orders == order).all(-1).sum() for order in itertools.permutations(range(3))
    ]
    assert sum(counts) == 12_000
    assert np.abs(np.asarray(counts) - 2000).max() < 205


def test_places_that_are_not_valid_come_last():
    valid = tf.range(6)[None] < tf.constant([[2], [6], [4]])
    order = ranking(SEED, (3, 6), 4, valid).numpy()
    assert order.shape == (3, 4)
    assert set(order[0, :2]) == {0, 1}
    assert set(order[2]) == {0, 1, 2, 3}
    assert all(len(set(row)) == 4 for row in order)


@pytest.mark.parametrize("shape", [(7,), (6, 128), (3, 1, 5)])
def test_numbers_are_those_of_tensorflow_also_under_xla(shape):
    seed = tf.constant([3, 4], "int64")
    expected = tf.random.stateless_uniform(shape, seed, alg="philox")
    np.testing.assert_array_equal(uniform(seed, shape), expected)
    compiled = tf.function(uniform, jit_compile=True)
    np.testing.assert_array_equal(compiled(seed, shape), expected)
    assert 0 <= np.min(expected) <= np.max(expected) < 1


def test_between():
    np.testing.assert_allclose(between(2.0, 4.0, np.array([0.0, 0.25])), [2.0, 2.5])
