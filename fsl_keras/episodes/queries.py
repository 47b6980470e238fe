"""How many queries each class of an episode gets."""

import dataclasses
import numbers

import tensorflow as tf

from fsl_keras.episodes.random import uniform

# Class proportions are whole numbers of this unit, all that a random float32 in
# [0, 1) holds: sums of floats could round differently on two machines.
UNIT = 2**23


def is_count(value):
    """Whether a value is a positive integer, of Python or NumPy."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and value > 0


@dataclasses.dataclass(frozen=True)
class BalancedQueries:
    """The same number of queries for every class.

    Args:
        queries: integer, the queries of each class.
    """

    queries: int

    @property
    def needed(self):
        """How many items a class must have for its queries."""
        return self.queries

    def most(self, ways):
        """Returns the largest number of queries of a class."""
        del ways
        return self.queries

    def reserved(self, sizes, present):
        """Returns how many items of each class no support set may take."""
        del sizes, present
        return self.queries

    def counts(self, reserved, available, present, seed):
        """Returns int32 `[B, N]` queries; classes that are not `present` get 0."""
        del available, seed
        return reserved * present


@dataclasses.dataclass(frozen=True)
class MetaDatasetQueries:
    """Queries as Meta-Dataset draws them: as many of each class as the least can give.

    Every class of an episode gets the same number, at most `max_queries` and at most
    half of the items of its smallest class; the other half is left to the support
    set. Goes with `MetaDatasetShots`.

    Reference:

    - [Triantafillou et al., 2020](https://arxiv.org/abs/1903.03096), section 3

    Args:
        max_queries: integer, the most queries of a class.

    Raises:
        ValueError: if the number is not positive.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> data = fsl.ClassDataset.from_arrays(
    ...     np.zeros((36, 4), "float32"), np.repeat([0, 1], [6, 30]))
    >>> episodes = data.episodes(
    ...     2, fsl.episodes.MetaDatasetShots(), MetaDatasetQueries(), count=1)
    >>> x, y, weight = next(iter(episodes))
    >>> np.bincount(y[0], weights=weight[0]).tolist()
    [3.0, 3.0]
    """

    max_queries: int = 10

    def __post_init__(self):
        if not is_count(self.max_queries):
            raise ValueError(
                f"`max_queries` must be a positive integer. Received: {self}"
            )

    @property
    def queries(self):
        """The largest mean number of queries of a class."""
        return self.max_queries

    @property
    def needed(self):
        """How many items a class must have for its queries."""
        return 1

    def most(self, ways):
        """Returns the largest number of queries of a class."""
        del ways
        return self.max_queries

    def reserved(self, sizes, present):
        """Returns int32 `[B, 1]`, the items of each class no support set may take."""
        sizes = tf.where(present > 0, sizes, sizes.dtype.max)
        half = tf.reduce_min(sizes, axis=-1, keepdims=True) // 2
        return tf.minimum(half, self.max_queries)

    def counts(self, reserved, available, present, seed):
        """Returns int32 `[B, N]` queries; classes that are not `present` get 0."""
        del available, seed
        return reserved * present


@dataclasses.dataclass(frozen=True)
class DirichletQueries:
    """Queries of unequal classes, as real queries are, and as many in all.

    The proportions of the classes among the queries of an episode are drawn from a
    symmetric Dirichlet distribution; an episode has `ways * queries` of them in any
    case. A class that has fewer items than that asks for gives all it has, and the
    others make up for it, in proportion to what they have left.

    Proportions become whole numbers by rounding their running sums: a class gets its
    share of the queries to less than one.

    Reference:

    - [Veilleux et al., 2021](https://arxiv.org/abs/2204.11181)

    Args:
        queries: integer, the mean number of queries of a class.
        concentration: integer; the larger, the more equal the classes. Given 1, all
            proportions are equally likely; 2 is the protocol of the paper.

    Raises:
        ValueError: if a number is no positive integer.

    Example:

    >>> import numpy as np
    >>> from fsl_keras.datasets import ClassDataset
    >>> data = ClassDataset.from_arrays(
    ...     np.zeros((90, 4), "float32"), np.repeat([0, 1, 2], 30))
    >>> episodes = data.episodes(
    ...     ways=3, shots=1, queries=DirichletQueries(5, concentration=2), count=1)
    >>> x, y = next(iter(episodes))
    >>> x["query"].shape, np.bincount(y[0], minlength=3).tolist()
    (TensorShape([1, 15, 4]), [9, 6, 0])
    """

    queries: int = 15
    concentration: int = 2

    def __post_init__(self):
        for number in (self.queries, self.concentration):
            if not is_count(number):
                raise ValueError(
                    f"`queries` and `concentration` must be positive integers. "
                    f"Received: {self}"
                )

    @property
    def needed(self):
        """How many items a class must have for its queries."""
        return self.queries

    def most(self, ways):
        """Returns the largest number of queries of a class."""
        return ways * self.queries

    def reserved(self, sizes, present):
        """Returns how many items of each class no support set may take."""
        del sizes, present
        return self.queries

    def counts(self, reserved, available, present, seed):
        """Draws int32 `[B, N]` queries; classes that are not `present` get 0.

        Args:
            reserved: integer, the mean number of queries of a class.
            available: int32 `[B, N]`, at least `queries` where a class is present.
            present: int32 `[B, N]`, 1 for the classes that take part, which come
                first.
            seed: int64 `[2]`.
        """
        total = reserved * tf.reduce_sum(present, axis=-1, keepdims=True)
        wanted = _shares(self._proportions(present, seed), total)
        given = tf.minimum(wanted, available * present)
        room = available * present - given
        missing = total - tf.reduce_sum(given, axis=-1, keepdims=True)
        return given + _shares(room, missing)

    def _proportions(self, present, seed):
        """Draws int64 `[B, N]`, in each row proportions that add up to `UNIT`."""
        # The gaps that n - 1 random points leave on a line are Dirichlet
        # distributed with concentration 1, and sums of `concentration` gaps with
        # that. Whole numbers and sorting make no rounding errors, gamma numbers do.
        ways = present.shape[1]
        length = ways * self.concentration - 1
        points = uniform(seed, (tf.shape(present)[0], length))
        points = tf.cast(points * UNIT, "int64")
        gaps = self.concentration * tf.reduce_sum(present, axis=-1, keepdims=True)
        # Of N ways where only some take part, the others' ends all lie at the end.
        points = tf.sort(tf.where(tf.range(length)[None] < gaps - 1, points, UNIT))
        ends = points[:, self.concentration - 1 :: self.concentration]
        ends = tf.pad(ends, [(0, 0), (1, 0)])
        ends = tf.pad(ends, [(0, 0), (0, 1)], constant_values=UNIT)
        return ends[:, 1:] - ends[:, :-1]


def _shares(weights, total):
    """Shares out a whole number in proportion to whole weights.

    Args:
        weights: integers `[B, N]`. If they all are 0, `total` must be.
        total: int32 `[B, 1]`.

    Returns:
        int32 `[B, N]` that add up to `total`, each its share to less than one.
    """
    ends = tf.cumsum(tf.cast(weights, "int64"), axis=-1)
    whole = tf.maximum(ends[:, -1:], 1)
    ends = (ends * tf.cast(total, "int64") * 2 + whole) // (2 * whole)
    return tf.cast(ends - tf.pad(ends, [(0, 0), (1, 0)])[:, :-1], "int32")
