"""Which items make up an episode: a pure function of a seed and an index."""

import numbers
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.queries import (
    BalancedQueries,
    DirichletQueries,
    MetaDatasetQueries,
    is_count,
)
from fsl_keras.episodes.random import fold_in, ranking, uniform
from fsl_keras.episodes.shots import MetaDatasetShots, UniformShots
from fsl_keras.typing import Tensor

# The number of episodes drawn at a time, one in each row of the same tensors. It must
# not change, as the episodes of every seed depend on it.
CHUNK = 32

# One stream of random numbers for each decision, all derived from the same seed.
CLASSES, WAYS, SHOTS, ITEMS, QUERY_ORDER, AUGMENTATION, QUERIES, GROUPS = range(8)


class EpisodeSampler:
    """Draws the items of N-way K-shot episodes, many episodes at a time.

    Every class is equally likely. Classes and queries are in random order, and support
    and query sets are disjoint. Episode `i` is a function of `seed` and `i`.

    Args:
        class_sizes: integers, the number of items of each class. Item ids count
            through the classes in their order.
        ways: integer or pair `(low, high)`, the classes of an episode.
        shots: integer, pair `(low, high)`, or `MetaDatasetShots`, the support
            examples of a class.
        queries: integer, the queries of each class, `DirichletQueries` or
            `MetaDatasetQueries`.
        seed: integer.
        class_names: optional names of the classes, for errors.
        groups: optional list, the group of each class. The classes of an episode are
            then all of one group; every class is still equally likely.

    Raises:
        ValueError: if a number is not positive, there are fewer classes than
            ways, also in a group, or a class has fewer items than shots and queries
            together.

    Example:

    >>> sampler = EpisodeSampler([20, 20, 20], ways=2, shots=1, queries=3, seed=0)
    >>> ids = sampler.sample_chunk(0)
    >>> ids["support"].shape, ids["query"].shape
    (TensorShape([32, 2]), TensorShape([32, 6]))
    """

    def __init__(
        self,
        class_sizes: Sequence[int] | np.ndarray,
        ways: int | tuple[int, int],
        shots: int | tuple[int, int] | UniformShots | MetaDatasetShots,
        queries: int | BalancedQueries | DirichletQueries | MetaDatasetQueries,
        seed: int = 0,
        class_names: Sequence[str] | None = None,
        groups: Sequence | None = None,
    ) -> None:
        self.class_sizes = np.asarray(class_sizes, "int32")
        self.ways = _range("ways", ways)
        self.groups = None if groups is None else self._numbered(groups)
        if not isinstance(shots, (MetaDatasetShots, UniformShots)):
            shots = UniformShots(*_range("shots", shots))
        self.shots = shots
        kinds = (BalancedQueries, DirichletQueries, MetaDatasetQueries)
        if not isinstance(queries, kinds):
            if not is_count(queries):
                raise ValueError(
                    f"`queries` must be a positive integer, `DirichletQueries` or "
                    f"`MetaDatasetQueries`. Received: queries={queries!r}"
                )
            queries = BalancedQueries(int(queries))
        if isinstance(queries, MetaDatasetQueries) and not isinstance(
            shots, MetaDatasetShots
        ):
            raise ValueError(
                f"`MetaDatasetQueries` take up to half of the items of a class, so "
                f"`shots` must be `MetaDatasetShots`. Received: shots={shots}"
            )
        self.queries = queries
        if not isinstance(seed, numbers.Integral):
            raise ValueError(f"`seed` must be an integer. Received: seed={seed!r}")
        self.seed: int = int(seed)
        self._check_enough(class_names)
        self.support_size: int = self.shots.support_size(self.ways[1])
        self.query_size: int = self.ways[1] * self.queries.queries

    @property
    def padded(self) -> bool:
        """Whether episodes differ in size and are padded to the largest."""
        shots = self.shots
        fixed = isinstance(shots, UniformShots) and shots.low == shots.high
        return not fixed or self.ways[0] != self.ways[1]

    def sample_chunk(self, chunk: int | Tensor) -> dict[str, Tensor]:
        """Draws the episodes `CHUNK * chunk` to `CHUNK * (chunk + 1) - 1`.

        Args:
            chunk: integer or scalar integer tensor.

        Returns:
            A dictionary of tensors with one row for each episode: item ids `support`
            `[CHUNK, S]` and `query` `[CHUNK, M]`, class numbers within the
            episode `support_way` and `query_way`, and bool `support_mask` and
            `query_mask`, False at padding (which repeats items of the episode).
        """
        classes = self._classes(chunk)
        sizes = tf.gather(self.class_sizes, classes)
        present = self._present(chunk)
        reserved = self.queries.reserved(sizes, present)
        shots = self.shots.counts(sizes, present, reserved, self._seed(SHOTS, chunk))
        queries = self.queries.counts(
            reserved, sizes - shots, present, self._seed(QUERIES, chunk)
        )
        items = self._items(chunk, classes, sizes)

        way, rank, support_mask = _lay_out(shots, self.support_size)
        # The first items of a class are its queries, so that shots may vary freely.
        own_queries = tf.gather(queries, way, batch_dims=1)
        support = _pick(items, way, rank + own_queries)
        support_way = way
        way, rank, query_mask = _lay_out(queries, self.query_size)
        query = _pick(items, way, rank)

        order = self._ranking(QUERY_ORDER, chunk, self.query_size, self.query_size)
        query, way, query_mask = (
            tf.gather(value, order, batch_dims=1) for value in (query, way, query_mask)
        )
        return {
            "support": support,
            "support_way": support_way,
            "support_mask": support_mask,
            "query": query,
            "query_way": tf.where(query_mask, way, 0),
            "query_mask": query_mask,
        }

    def of_each_group(self) -> list[tuple["EpisodeSampler", np.ndarray]]:
        """Returns a sampler of the classes of each group, with the ids of its items.

        Groups are in the order of their first classes.
        """
        ends = np.cumsum(self.class_sizes)
        ids = np.split(np.arange(ends[-1]), ends[:-1])
        samplers = []
        groups = np.asarray(self.groups)
        for group in dict.fromkeys(groups.tolist()):
            members = np.flatnonzero(groups == group)
            sampler = EpisodeSampler(
                self.class_sizes[members],
                self.ways,
                self.shots,
                self.queries,
                self.seed,
            )
            samplers.append((sampler, np.concatenate([ids[i] for i in members])))
        return samplers

    def augmentation_seed(self, index: Tensor) -> Tensor:
        """Returns the int64 `[2]` seed of the augmentation of one episode."""
        return self._seed(AUGMENTATION, index)

    def _seed(self, stream, index):
        return fold_in(tf.constant([self.seed, stream], "int64"), index)

    def _ranking(self, stream, chunk, length, most, valid=None):
        return ranking(self._seed(stream, chunk), (CHUNK, length), most, valid)

    def _classes(self, chunk):
        """Returns int32 `[CHUNK, N]`, different classes."""
        count, valid = len(self.class_sizes), None
        if self.groups is not None:
            # A group's probability is its share of classes: all are equally likely.
            one = self._ranking(GROUPS, chunk, count, 1)
            valid = tf.gather(self.groups, one) == self.groups
        return self._ranking(CLASSES, chunk, count, self.ways[1], valid)

    def _present(self, chunk):
        """Returns int32 `[CHUNK, N]`, 1 for the classes that take part."""
        low, high = self.ways
        if low == high:
            return tf.ones((CHUNK, high), "int32")
        draw = uniform(self._seed(WAYS, chunk), (CHUNK, 1))
        ways = low + tf.cast(draw * (high - low + 1), "int32")
        return tf.cast(tf.range(high)[None] < ways, "int32")

    def _items(self, chunk, classes, sizes):
        """Returns ids `[CHUNK, N, most]` of different items of each class."""
        largest = int(self.class_sizes.max())
        most = self.shots.most + self.queries.most(self.ways[1])
        most = min(most, largest)
        valid = None
        if self.class_sizes.min() < largest:
            valid = tf.range(largest) < sizes[..., None]
        shape = (CHUNK, self.ways[1], largest)
        rank = ranking(self._seed(ITEMS, chunk), shape, most, valid)
        first = np.cumsum(self.class_sizes) - self.class_sizes
        return tf.gather(first.astype("int32"), classes)[..., None] + rank

    def _numbered(self, groups):
        """Returns the number of the group of each class."""
        if len(groups) != len(self.class_sizes):
            raise ValueError(
                f"`groups` must give the group of each of the "
                f"{len(self.class_sizes)} classes. Received: {len(groups)} groups"
            )
        names, numbers, sizes = np.unique(
            groups, return_inverse=True, return_counts=True
        )
        small = names[sizes < self.ways[1]].tolist()
        if small:
            raise ValueError(
                f"Episodes of {self.ways[1]} ways need as many classes in each group. "
                f"{len(small)} of {len(names)} groups have fewer, such as {small[:5]}. "
                f"Lower `ways`, or leave them out with `subset`."
            )
        return numbers

    def _check_enough(self, class_names):
        classes = len(self.class_sizes)
        if self.ways[1] > classes:
            raise ValueError(
                f"Episodes of {self.ways[1]} ways need as many classes. There are "
                f"{classes}. Lower `ways` or add classes."
            )
        needed = self.shots.needed(self.queries.needed)
        short = np.flatnonzero(self.class_sizes < needed)
        if len(short):
            names = [str(i if class_names is None else class_names[i]) for i in short]
            listed = ", ".join(
                f"{name!r} ({size})"
                for name, size in zip(names[:5], self.class_sizes[short], strict=False)
            )
            more = f" and {len(short) - 5} more" if len(short) > 5 else ""
            raise ValueError(
                f"An episode needs {needed} items of each class (shots and queries "
                f"together), and {len(short)} of {classes} classes have fewer: "
                f"{listed}{more}. Lower `shots` or `queries`, or leave these classes "
                f"out with `subset`."
            )


def _range(name, value):
    """Returns `(low, high)` of a positive integer or of a pair of them."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(map(is_count, pair)) or pair[0] > pair[1]:
        raise ValueError(
            f"`{name}` must be a positive integer or a pair `(low, high)` of them. "
            f"Received: {name}={value!r}"
        )
    return int(pair[0]), int(pair[1])


def _lay_out(counts, length):
    """Spreads classes over `length` places, `counts` `[B, N]` places each.

    Returns:
        `[B, length]` tensors: the class of each place, its rank within the class,
        and whether the place is real. Places in excess start again from the first.
    """
    ends = tf.cumsum(counts, axis=-1)
    total = ends[:, -1:]
    place = tf.range(length)[None]
    wrapped = place % total
    way = tf.searchsorted(ends, wrapped, side="right")
    starts = tf.gather(ends - counts, way, batch_dims=1)
    return way, wrapped - starts, place < total


def _pick(items, way, rank):
    """Gathers `items[b, way[b, s], rank[b, s]]`."""
    ways, most = items.shape[1:]
    flat = tf.reshape(items, (-1, ways * most))
    return tf.gather(flat, way * most + rank, batch_dims=1)
