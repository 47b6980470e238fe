"""A stream and its parts, which the workers of a distribution strategy draw."""

import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.episodes.replicas import divided, is_of_workers


@pytest.fixture(scope="module")
def numbers():
    """Six classes of ten items: item `i` is the number `i`."""
    items = np.arange(60, dtype="float32")[:, None]
    return fsl.ClassDataset.from_arrays(items, np.repeat(np.arange(6), 10))


def double(images, seed):
    del seed
    return 2 * images


def leaves(element):
    return [x.numpy() for x in tf.nest.flatten(element)]


@pytest.mark.parametrize("augmentation", [None, double], ids=["plain", "augmented"])
def test_parts_of_episodes_hold_every_episode_once(numbers, augmentation):
    options = {"tasks": 4, "start": 8, "seed": 3, "augmentation": augmentation}
    whole = numbers.episodes(3, 1, 2, **options)
    parts = [whole.part(number, 2) for number in range(2)]
    for batch, *halves in zip(whole.take(3), *parts, strict=False):
        for tensor, one, other in zip(*map(leaves, (batch, *halves)), strict=True):
            # Worker 0 draws episodes 8 and 10 of 8 to 11, worker 1 draws 9 and 11.
            np.testing.assert_array_equal(tensor[0::2], one)
            np.testing.assert_array_equal(tensor[1::2], other)


def test_parts_of_a_shard_and_of_a_finite_stream(numbers):
    whole = numbers.episodes(3, 1, 2, tasks=2, count=6, shard=(1, 3))
    part = whole.part(1, 2)
    assert len(list(part)) == len(list(whole)) == 3
    # Of episodes 1, 4, 7, 10, ... the second half of each pair: 4, 10, ...
    for batch, own in zip(whole, part, strict=True):
        np.testing.assert_array_equal(leaves(batch)[0][1:], leaves(own)[0])


@pytest.mark.parametrize("per_class", [None, 2])
def test_parts_of_batches_follow_one_another(numbers, per_class):
    whole = numbers.batches(8, seed=1, start=5, per_class=per_class)
    parts = [whole.part(number, 4) for number in range(4)]
    for batch, *quarters in zip(whole.take(5), *parts, strict=False):
        for tensor, *own in zip(*map(leaves, (batch, *quarters)), strict=True):
            np.testing.assert_array_equal(tensor, np.concatenate(own))


def test_parts_of_pairs_follow_one_another(numbers):
    whole = numbers.pairs(6, seed=1, start=2)
    parts = [whole.part(number, 3) for number in range(3)]
    for batch, *thirds in zip(whole.take(4), *parts, strict=False):
        for tensor, *own in zip(*map(leaves, (batch, *thirds)), strict=True):
            np.testing.assert_array_equal(tensor, np.concatenate(own))


def test_parts_of_batches_are_augmented_apart(numbers):
    def noise(images, seed):
        return images + tf.random.stateless_uniform(tf.shape(images), seed)

    whole = numbers.batches(8, augmentation=noise)
    halves = [next(iter(whole.part(number, 2)))[0].numpy() for number in range(2)]
    one, other = (half % 1 for half in halves)
    assert not np.isclose(one, other).any()


def test_without_a_strategy_nothing_is_divided(numbers):
    strategy = tf.distribute.get_strategy()
    assert not is_of_workers(strategy)
    stream = numbers.episodes(3, 1, 2)
    assert divided(stream, strategy) is stream
