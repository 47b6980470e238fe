"""The number of queries of each class of an episode."""

import dataclasses
import numbers
from typing import Any

import tensorflow as tf

from fsl_keras.episodes.random import uniform
from fsl_keras.typing import Tensor

# Class proportions are integers in this unit, the resolution of a random float32 in
# [0, 1), as sums of floats could round differently on two machines.
UNIT = 2**23


def is_count(value: Any) -> bool:
    """Returns whether a value is a positive integer, of Python or NumPy."""
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
    def needed(self) -> int:
        """The number of items that a class needs for its queries."""
        return self.queries

    def most(self, ways: int) -> int:
        """Returns the largest number of queries of a class."""
        del ways
        return self.queries

    def reserved(self, sizes: Tensor, present: Tensor) -> Tensor:
        """Returns the number of items of each class that are kept for queries."""
        del sizes, present
        return self.queries

    def counts(
        self, reserved: Tensor, available: Tensor, present: Tensor, seed: Tensor
    ) -> Tensor:
        """Returns int32 `[B, N]` queries; classes that are not `present` get 0."""
        del available, seed
        return reserved * present


@dataclasses.dataclass(frozen=True)
class MetaDatasetQueries:
    """The queries of Meta-Dataset: balanced, limited by the smallest class.

    Every class of an episode has the same number of queries, at most `max_queries` and
    at most half of the items of the smallest class. The other half is for the support
    set. For use with `MetaDatasetShots`.

    Reference:

    - [Triantafillou et al., 2020](https://arxiv.org/abs/1903.03096), section 3

    Args:
        max_queries: integer, the largest number of queries of a class.

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
    def queries(self) -> int:
        """The largest mean number of queries of a class."""
        return self.max_queries

    @property
    def needed(self) -> int:
        """The number of items that a class needs for its queries."""
        return 1

    def most(self, ways: int) -> int:
        """Returns the largest number of queries of a class."""
        del ways
        return self.max_queries

    def reserved(self, sizes: Tensor, present: Tensor) -> Tensor:
        """Returns int32 `[B, 1]`, the items of each class that are kept for queries."""
        sizes = tf.where(present > 0, sizes, sizes.dtype.max)
        half = tf.reduce_min(sizes, axis=-1, keepdims=True) // 2
        return tf.minimum(half, self.max_queries)

    def counts(
        self, reserved: Tensor, available: Tensor, present: Tensor, seed: Tensor
    ) -> Tensor:
        """Returns int32 `[B, N]` queries; classes that are not `present` get 0."""
        del available, seed
        return reserved * present


@dataclasses.dataclass(frozen=True)
class DirichletQueries:
    """Imbalanced queries, with class proportions from a Dirichlet distribution.

    The proportions of the classes among the queries of an episode are drawn from a
    symmetric Dirichlet distribution; an episode always has `ways * queries` queries. A
    class with too few items contributes all of them, and the other classes contribute
    more, in proportion to their remaining items.

    Proportions become integers by rounding their cumulative sums, so the number of
    queries of a class differs from its proportion by less than one.

    Reference:

    - [Veilleux et al., 2021](https://arxiv.org/abs/2204.11181)

    Args:
        queries: integer, the mean number of queries of a class.
        concentration: integer; the larger, the more balanced the classes. With 1 all
            proportions are equally likely; 2 is the protocol of the paper.

    Raises:
        ValueError: if a number is not a positive integer.

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
    def needed(self) -> int:
        """The number of items that a class needs for its queries."""
        return self.queries

    def most(self, ways: int) -> int:
        """Returns the largest number of queries of a class."""
        return ways * self.queries

    def reserved(self, sizes: Tensor, present: Tensor) -> Tensor:
        """Returns the number of items of each class that are kept for queries."""
        del sizes, present
        return self.queries

    def counts(
        self, reserved: Tensor, available: Tensor, present: Tensor, seed: Tensor
    ) -> Tensor:
        """Draws int32 `[B, N]` queries; classes that are not `present` get 0.

        Args:
            reserved: integer, the mean number of queries of a class.
            available: int32 `[B, N]`, at least `queries` where a class is present.
            present: int32 `[B, N]`, 1 for the classes that take part, which come
                first.
            seed: int64 `[2]`.
        """
        total = reserved * tf.reduce_sum(present, axis=-1, keepdims=True)
        wanted = _divided(self._proportions(present, seed), total)
        given = tf.minimum(wanted, available * present)
        room = available * present - given
        missing = total - tf.reduce_sum(given, axis=-1, keepdims=True)
        return given + _divided(room, missing)

    def _proportions(self, present, seed):
        """Draws int64 `[B, N]`, in each row proportions that add up to `UNIT`."""
        # The gaps between n - 1 uniform points have a Dirichlet distribution with
        # concentration 1, and sums of `concentration` gaps one with that. Unlike gamma
        # variates, sorted integers have no rounding errors.
        ways = present.shape[1]
        length = ways * self.concentration - 1
        points = uniform(seed, (tf.shape(present)[0], length))
        points = tf.cast(points * UNIT, "int64")
        gaps = self.concentration * tf.reduce_sum(present, axis=-1, keepdims=True)
        # The points of ways that do not take part all lie at the end.
        points = tf.sort(tf.where(tf.range(length)[None] < gaps - 1, points, UNIT))
        ends = points[:, self.concentration - 1 :: self.concentration]
        ends = tf.pad(ends, [(0, 0), (1, 0)])
        ends = tf.pad(ends, [(0, 0), (0, 1)], constant_values=UNIT)
        return ends[:, 1:] - ends[:, :-1]


def _divided(weights, total):
    """Divides an integer in proportion to integer weights.

    Args:
        weights: integers `[B, N]`. If they all are 0, `total` must be.
        total: int32 `[B, 1]`.

    Returns:
        int32 `[B, N]` that add up to `total`, each within one of its proportion.
    """
    ends = tf.cumsum(tf.cast(weights, "int64"), axis=-1)
    whole = tf.maximum(ends[:, -1:], 1)
    ends = (ends * tf.cast(total, "int64") * 2 + whole) // (2 * whole)
    return tf.cast(ends - tf.pad(ends, [(0, 0), (1, 0)])[:, :-1], "int32")
