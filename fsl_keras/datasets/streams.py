"""Non-episodic streams: shuffled batches and pairs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.pipeline import CORES, stream
from fsl_keras.episodes.random import fold_in, ranking, uniform
from fsl_keras.typing import Dataset, Tensor

# Streams of random numbers, apart from those of episodes of the same seed.
ORDER, PAIRS, AUGMENTATION = 100, 101, 102


def batches(
    fetch: Callable[[Tensor], Tensor],
    class_sizes: np.ndarray,
    batch_size: int,
    seed: int,
    start: int,
    count: int | None,
    augmentation: Any,
) -> Dataset:
    """Streams `(items, labels)`; see `ClassDataset.batches`."""
    _check(batch_size, start, count)
    labels = tf.constant(np.repeat(np.arange(len(class_sizes)), class_sizes), "int32")
    size = int(np.sum(class_sizes))
    order = tf.constant([seed, ORDER], "int64")

    def draw(index):
        place = index * batch_size + tf.range(batch_size, dtype="int64")
        # A pass over the data is a random permutation, each place of which can be
        # computed independently.
        ids = tf.raw_ops.RandomIndexShuffle(
            index=place % size,
            seed=_pass_seeds(order, place // size),
            max_index=tf.constant(size - 1, "int64"),
        )
        items = _augment(fetch(ids), augmentation, seed, index)
        return items, tf.gather(labels, ids)

    return _stream(draw, start, count)


def pairs(
    fetch: Callable[[Tensor], Tensor],
    class_sizes: np.ndarray,
    batch_size: int,
    seed: int,
    start: int,
    count: int | None,
    augmentation: Any,
    class_names: Sequence[str],
) -> Dataset:
    """Streams `((a, b), same)`; see `ClassDataset.pairs`."""
    _check(batch_size, start, count)
    class_sizes = np.asarray(class_sizes, "int32")
    if len(class_sizes) < 2 or class_sizes.min() < 2:
        short = [class_names[i] for i in np.flatnonzero(class_sizes < 2)[:5]]
        raise ValueError(
            f"Pairs need at least two classes of at least two items. There are "
            f"{len(class_sizes)} classes; with a single item: {short}."
        )
    first = tf.constant(np.cumsum(class_sizes) - class_sizes, "int32")
    base = tf.constant([seed, PAIRS], "int64")

    def draw(index):
        pair_seed = fold_in(base, index)
        classes = ranking(fold_in(pair_seed, 0), (batch_size, len(class_sizes)), 2)
        draws = uniform(fold_in(pair_seed, 1), (batch_size, 3))
        same = draws[:, 0] < 0.5
        sizes = tf.gather(class_sizes, classes)
        a = _floor(draws[:, 1], sizes[:, 0])
        # The second item of one class must differ from the first.
        other = _floor(draws[:, 2], sizes[:, 0] - 1)
        other += tf.cast(other >= a, "int32")
        b = tf.where(same, other, _floor(draws[:, 2], sizes[:, 1]))
        b_class = tf.where(same, classes[:, 0], classes[:, 1])
        ids_a = tf.gather(first, classes[:, 0]) + a
        ids_b = tf.gather(first, b_class) + b
        items = fetch(tf.concat([ids_a, ids_b], axis=0))
        items = _augment(items, augmentation, seed, index)
        return (items[:batch_size], items[batch_size:]), tf.cast(same, "float32")

    return _stream(draw, start, count)


def _pass_seeds(seed, passes):
    """Returns an int64 seed `[n, 3]` for each of the passes `[n]`."""
    seeds = tf.broadcast_to(seed, (passes.shape[0], 2))
    return tf.concat([seeds, passes[:, None]], axis=-1)


def _floor(draw, size):
    """Scales uniform numbers in [0, 1) to integers below `size`."""
    return tf.cast(draw * tf.cast(size, "float32"), "int32")


def _augment(items, augmentation, seed, index):
    transform = getattr(augmentation, "transform", augmentation)
    if transform is None:
        return items
    return transform(items, fold_in(tf.constant([seed, AUGMENTATION], "int64"), index))


def _stream(draw, start, count):
    dataset = tf.data.Dataset.counter(start)
    dataset = dataset if count is None else dataset.take(count)
    return stream(dataset.map(draw, num_parallel_calls=CORES, deterministic=True))


def _check(batch_size, start, count):
    if batch_size < 1 or start < 0 or (count is not None and count < 1):
        raise ValueError(
            f"`batch_size` and `count` must be at least 1 and `start` at least 0. "
            f"Received: batch_size={batch_size}, count={count}, start={start}"
        )
