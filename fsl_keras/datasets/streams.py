"""Non-episodic streams: shuffled batches and pairs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.pipeline import CORES, stream
from fsl_keras.episodes.random import fold_in, ranking, uniform
from fsl_keras.typing import Dataset, Tensor

# Streams of random numbers, apart from those of episodes of the same seed.
ORDER, PAIRS, AUGMENTATION, GROUPS = 100, 101, 102, 103


def batches(
    fetch: Callable[[Tensor], Tensor],
    class_sizes: np.ndarray,
    batch_size: int,
    seed: int,
    start: int,
    count: int | None,
    augmentation: Any,
    per_class: int | None = None,
    part: tuple[int, int] = (0, 1),
) -> Dataset:
    """Streams `(items, labels)`; see `ClassDataset.batches`.

    `part`, a pair `(k, n)`, leaves of each batch the `k`-th of `n` equal parts.
    """
    _check(batch_size, start, count)
    if per_class is not None and per_class < 1:
        raise ValueError(
            f"`per_class` must be at least 1. Received: per_class={per_class}"
        )
    labels = tf.constant(np.repeat(np.arange(len(class_sizes)), class_sizes), "int32")
    size = int(np.sum(class_sizes))
    order = tf.constant([seed, ORDER], "int64")

    own = _places(batch_size, part)

    def draw(index):
        place = index * batch_size + tf.range(own.start, own.stop, dtype="int64")
        # A pass over the data is a random permutation, each place of which can be
        # computed independently.
        ids = tf.raw_ops.RandomIndexShuffle(
            index=place % size,
            seed=_pass_seeds(order, place // size),
            max_index=tf.constant(size - 1, "int64"),
        )
        return look_up(index, ids)

    def look_up(index, ids):
        items = _augment(fetch(ids), augmentation, seed, index, part)
        return items, tf.gather(labels, ids)

    indices = _indices(start, count)
    if per_class is None:
        return _stream(indices, draw)
    passes = _grouped_passes(class_sizes, per_class, seed, start * batch_size // size)
    ids = passes.unbatch().skip(start * batch_size % size)
    ids = ids.batch(batch_size, drop_remainder=True).map(lambda ids: ids[own])
    return _stream(tf.data.Dataset.zip(indices, ids), look_up)


def pairs(
    fetch: Callable[[Tensor], Tensor],
    class_sizes: np.ndarray,
    batch_size: int,
    seed: int,
    start: int,
    count: int | None,
    augmentation: Any,
    class_names: Sequence[str],
    part: tuple[int, int] = (0, 1),
) -> Dataset:
    """Streams `((a, b), same)`; see `ClassDataset.pairs`, and `part` of `batches`."""
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
    own = _places(batch_size, part)

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
        items = fetch(tf.concat([ids_a[own], ids_b[own]], axis=0))
        items = _augment(items, augmentation, seed, index, part)
        a, b = tf.split(items, 2)
        return (a, b), tf.cast(same[own], "float32")

    return _stream(_indices(start, count), draw)


def with_parts(draw: Callable[..., Dataset]) -> Dataset:
    """Returns the stream of a function, with the attribute `part`.

    Args:
        draw: `batches` or `pairs`, with all arguments but `part`.

    Returns:
        The stream of whole batches. Its attribute `part` is a function from `(number,
        parts)` to the stream of one of several equal parts of each batch.
    """
    dataset = draw()
    dataset.part = lambda number, parts: draw(part=(number, parts))
    return dataset


def _grouped_passes(class_sizes, per_class, seed, start):
    """Streams the order of each pass, int32 ids `[n]`, with the items in groups.

    A class is divided at random into as few groups of at most `per_class` items as
    possible, whose sizes differ by one at most, and its groups are spread evenly over
    the pass.
    """
    sizes = np.asarray(class_sizes)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    counts = -(-sizes // per_class)
    places = np.arange(len(owners)) - (np.cumsum(sizes) - sizes)[owners]
    # Of each item, its group in its class, and its group among all.
    local = places * counts[owners] // sizes[owners]
    groups = tf.constant((np.cumsum(counts) - counts)[owners] + local, "int32")
    locals_, counts_ = (tf.constant(x, "float32") for x in (local, counts[owners]))
    owners = tf.constant(owners, "int32")
    base = tf.constant([seed, GROUPS], "int64")

    @tf.autograph.experimental.do_not_convert  # traced faster, with no branch in it
    def draw(index):
        pass_seed = fold_in(base, index)
        # A random order of all items, then by class.
        ids = tf.argsort(uniform(fold_in(pass_seed, 0), owners.shape))
        ids = tf.gather(ids, tf.argsort(tf.gather(owners, ids), stable=True))
        draws = uniform(fold_in(pass_seed, 1), (int(counts.sum()),))
        keys = (locals_ + tf.gather(draws, groups)) / counts_
        return tf.gather(ids, tf.argsort(keys, stable=True))

    return tf.data.Dataset.counter(start).map(draw)


def _pass_seeds(seed, passes):
    """Returns an int64 seed `[n, 3]` for each of the passes `[n]`."""
    seeds = tf.broadcast_to(seed, (passes.shape[0], 2))
    return tf.concat([seeds, passes[:, None]], axis=-1)


def _floor(draw, size):
    """Scales uniform numbers in [0, 1) to integers below `size`."""
    return tf.cast(draw * tf.cast(size, "float32"), "int32")


def _augment(items, augmentation, seed, index, part):
    transform = getattr(augmentation, "transform", augmentation)
    if transform is None:
        return items
    batch_seed = fold_in(tf.constant([seed, AUGMENTATION], "int64"), index)
    if part != (0, 1):
        # The items of another part are not augmented alike.
        batch_seed = fold_in(batch_seed, part[0])
    return transform(items, batch_seed)


def _places(batch_size, part):
    """Returns the slice of a batch that a part is."""
    size = batch_size // part[1]
    return slice(part[0] * size, (part[0] + 1) * size)


def _indices(start, count):
    indices = tf.data.Dataset.counter(start)
    return indices if count is None else indices.take(count)


def _stream(dataset, draw):
    return stream(dataset.map(draw, num_parallel_calls=CORES, deterministic=True))


def _check(batch_size, start, count):
    if batch_size < 1 or start < 0 or (count is not None and count < 1):
        raise ValueError(
            f"`batch_size` and `count` must be at least 1 and `start` at least 0. "
            f"Received: batch_size={batch_size}, count={count}, start={start}"
        )
