"""From item ids to a `tf.data.Dataset` of episode batches."""

import functools
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from fsl_keras.episodes.random import fold_in
from fsl_keras.episodes.sampling import CHUNK, EpisodeSampler
from fsl_keras.episodes.tuner import untuned
from fsl_keras.typing import Dataset, Tensor

CORES = os.cpu_count()


def episode_dataset(
    fetch: Callable[[Tensor], Tensor],
    sampler: EpisodeSampler,
    tasks: int = 1,
    start: int = 0,
    count: int | None = None,
    shard: tuple[int, int] | None = None,
    augmentation: Any = None,
) -> Dataset:
    """Streams the episodes of a sampler as batches of the contract.

    Everything runs inside the tf.data graph. Episode `i` is the same whatever the
    parallelism, the position the stream starts from, and the shard it falls into.

    Args:
        fetch: function from int32 ids `[n]` to items `[n, *item]`.
        sampler: `EpisodeSampler`.
        tasks: integer, episodes in one batch.
        start: integer, the index of the first episode.
        count: optional integer, how many episodes; a multiple of `tasks`. By
            default the stream never ends.
        shard: optional pair `(k, n)`: of the episodes from `start` on, take the
            `k`-th of every `n`. `count` counts the episodes of this shard.
        augmentation: optional object with `transform(images, seed)`, or a function
            of the same arguments, which is given the support set (seed 0 of the
            episode) and the query set (seed 1); or an object with
            `transform_episode(x, y, seed)`, which returns another `x`.

    Returns:
        A `tf.data.Dataset` of `(x, y)`, or of `(x, y, sample_weight)` where the
        episodes differ in size. Its attribute `part` is a function from `(number,
        parts)` to the stream of one of several equal parts of each batch.

    Raises:
        ValueError: if a number is out of range.
    """
    _check(tasks, start, count, shard)
    ids = _ids(sampler, start, count, shard)
    augment = _augmenter(augmentation)
    parallel = {"num_parallel_calls": CORES, "deterministic": True}

    def look_up(index, row):
        del index
        return _episode(sampler, fetch, row)

    def look_up_and_augment(index, row):
        x, y, *weight = _episode(sampler, fetch, row)
        return augment(x, y, sampler.augmentation_seed(index)), y, *weight

    if augment is None:
        # Fastest: the items of a whole batch are looked up at once.
        dataset = ids.batch(tasks, drop_remainder=True).map(look_up, **parallel)
    else:
        dataset = ids.map(look_up_and_augment, **parallel)
        dataset = dataset.batch(tasks, drop_remainder=True)

    def part(number, parts):
        first, step = shard or (0, 1)
        return episode_dataset(
            fetch,
            sampler,
            tasks // parts,
            start,
            None if count is None else count // parts,
            (first + step * number, step * parts),
            augmentation,
        )

    dataset = stream(dataset)
    dataset.part = part
    return dataset


def stratified_dataset(
    fetch: Callable[[Tensor], Tensor], sampler: EpisodeSampler, count: int | None
) -> Dataset:
    """Streams episodes of each group of a sampler equally often, group after group.

    Args:
        fetch: as in `episode_dataset`.
        sampler: `EpisodeSampler` with groups.
        count: integer, the number of episodes of all groups together. Where it is not a
            multiple of their number, the first groups have one episode more.

    Returns:
        A `tf.data.Dataset` of batches of one episode each, as of `episode_dataset`.

    Raises:
        ValueError: if `count` is less than the number of groups.
    """
    parts = sampler.of_each_group()
    if count is None or count < len(parts):
        raise ValueError(
            f"There are {len(parts)} groups, and each needs at least one episode. "
            f"Received: count={count}"
        )
    each, more = divmod(count, len(parts))
    # tf.data copies what a stream holds, so those of the groups hold ids and no items.
    streams = [
        episode_dataset(
            functools.partial(tf.gather, tf.constant(ids, "int32")),
            part,
            count=each + (i < more),
        )
        for i, (part, ids) in enumerate(parts)
    ]
    whole = functools.reduce(lambda one, other: one.concatenate(other), streams)

    def look_up(x, *rest):
        items = {name: fetched(fetch, x[name]) for name in ("support", "query")}
        return {**x, **items}, *rest

    return stream(whole.map(look_up, num_parallel_calls=2, deterministic=True))


def _augmenter(augmentation):
    """Returns a function from `(x, y, seed)` of an episode to other `x`, or None."""
    of_episode = getattr(augmentation, "transform_episode", None)
    if of_episode is not None or augmentation is None:
        return of_episode
    transform = getattr(augmentation, "transform", augmentation)

    def augment(x, y, seed):
        del y
        for part, name in enumerate(("support", "query")):
            x = {**x, name: transform(x[name], fold_in(seed, part))}
        return x

    return augment


def stream(dataset: Dataset) -> Dataset:
    """Prefetches a dataset, and keeps TensorFlow from tuning it as it runs.

    The tuner runs concurrently with the model. On two cores this slows training down
    by up to a factor of two.
    """
    return untuned(dataset.prefetch(2))


def _ids(sampler, start, count, shard):
    """Streams `(index, row)` of each episode."""
    chunks = tf.data.Dataset.counter(start // CHUNK)

    @tf.autograph.experimental.do_not_convert  # traced faster, with no branch in it
    def draw(chunk):
        index = chunk * CHUNK + tf.range(CHUNK, dtype="int64")
        return index, sampler.sample_chunk(chunk)

    ids = chunks.map(draw, num_parallel_calls=2, deterministic=True).unbatch()
    ids = ids.skip(start % CHUNK)
    if shard is not None:
        ids = ids.shard(shard[1], shard[0])
    return ids if count is None else ids.take(count)


def _episode(sampler, fetch, row):
    """Returns the contract's `(x, y)` or `(x, y, sample_weight)` of rows of ids."""
    labels = tf.one_hot(row["support_way"], sampler.ways[1])
    if sampler.padded:
        labels *= tf.cast(row["support_mask"], "float32")[..., None]
    x = {
        "support": fetched(fetch, row["support"]),
        "support_labels": labels,
        "query": fetched(fetch, row["query"]),
    }
    if not sampler.padded:
        return x, row["query_way"]
    x["query_mask"] = row["query_mask"]
    return x, row["query_way"], tf.cast(row["query_mask"], "float32")


def fetched(fetch: Callable[[Tensor], Tensor], ids: Tensor) -> Tensor:
    """Fetches items `[..., *item]` of ids `[...]`."""
    items = fetch(tf.reshape(ids, [-1]))
    item_shape = items.shape[1:]
    items = tf.reshape(items, tf.concat([tf.shape(ids), tf.shape(items)[1:]], axis=0))
    items.set_shape(ids.shape.concatenate(item_shape))
    return items


def _check(tasks, start, count, shard):
    if tasks < 1 or start < 0:
        raise ValueError(
            f"`tasks` must be at least 1 and `start` at least 0. Received: "
            f"tasks={tasks}, start={start}"
        )
    if count is not None and (count < 1 or count % tasks):
        raise ValueError(
            f"`count` must be a positive multiple of `tasks`, so that every batch is "
            f"full. Received: count={count}, tasks={tasks}"
        )
    if shard is not None and not 0 <= shard[0] < shard[1]:
        raise ValueError(
            f"`shard` must be a pair `(k, n)` with 0 <= k < n. Received: shard={shard}"
        )
