"""The number of support examples of each class of an episode."""

import dataclasses

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.random import uniform
from fsl_keras.typing import Tensor

# Log-uniform factors from one half to two, in units of 1/1024. Shots are computed from
# integers: floats whose last bit differs between machines could change their number.
FACTORS = np.round(1024 * 2.0 ** np.linspace(-1.0, 1.0, 4096)).astype("int64")


@dataclasses.dataclass(frozen=True)
class UniformShots:
    """The same number of shots for every class, drawn for each episode.

    Args:
        low: integer, the least number of shots.
        high: integer, the largest number of shots.
    """

    low: int
    high: int

    @property
    def most(self) -> int:
        """The largest number of shots of a class."""
        return self.high

    def needed(self, queries: int) -> int:
        """Returns how many items a class must have."""
        return self.high + queries

    def support_size(self, ways: int) -> int:
        """Returns the static size of the support set of up to `ways` classes."""
        return ways * self.high

    def counts(
        self, sizes: Tensor, present: Tensor, queries: Tensor, seed: Tensor
    ) -> Tensor:
        """Draws int32 `[B, N]` shots; classes that are not `present` get 0."""
        del sizes, queries
        if self.low == self.high:
            return self.high * present
        draw = uniform(seed, (tf.shape(present)[0], 1))
        extra = tf.cast(draw * (self.high - self.low + 1), "int32")
        return (self.low + extra) * present


@dataclasses.dataclass(frozen=True)
class MetaDatasetShots:
    """The shots of Meta-Dataset: imbalanced, in proportion to class sizes.

    The size of the support set is a uniform fraction of the available items. It is
    divided among the classes in proportion to class size times a log-uniform factor
    between one half and two, with at least one example of each class.

    Reference:

    - [Triantafillou et al., 2020](https://arxiv.org/abs/1903.03096), section 3

    Args:
        max_support: integer, the largest size of a support set.
        max_shots: integer, the largest number of examples of one class.

    Raises:
        ValueError: if a number is not positive.

    Example:

    >>> import numpy as np
    >>> from fsl_keras.datasets import ClassDataset
    >>> data = ClassDataset.from_arrays(
    ...     np.zeros((90, 4), "float32"), np.repeat([0, 1, 2], [20, 30, 40]))
    >>> episodes = data.episodes(
    ...     ways=(2, 3), shots=MetaDatasetShots(max_support=50), queries=5, count=1)
    >>> x, y, weight = next(iter(episodes))
    >>> x["support"].shape, x["query"].shape
    (TensorShape([1, 50, 4]), TensorShape([1, 15, 4]))
    """

    max_support: int = 500
    max_shots: int = 100

    def __post_init__(self):
        if self.max_support < 1 or self.max_shots < 1:
            raise ValueError(
                f"`max_support` and `max_shots` must be at least 1. Received: {self}"
            )

    @property
    def most(self) -> int:
        """The largest number of shots of a class."""
        return self.max_shots

    def needed(self, queries: int) -> int:
        """Returns how many items a class must have."""
        return queries + 1

    def support_size(self, ways: int) -> int:
        """Returns the static size of the support set of up to `ways` classes."""
        if self.max_support < ways:
            raise ValueError(
                f"`max_support={self.max_support}` is less than one example for each "
                f"of {ways} classes. Raise `max_support` or lower `ways`."
            )
        return min(self.max_support, ways * self.max_shots)

    def counts(
        self, sizes: Tensor, present: Tensor, queries: Tensor, seed: Tensor
    ) -> Tensor:
        """Draws int32 `[B, N]` shots; classes that are not `present` get 0."""
        ways = sizes.shape[1]
        draw = uniform(seed, (tf.shape(sizes)[0], ways + 1))
        available = tf.minimum(sizes - queries, self.max_shots) * present
        fraction = 1.0 - draw[:, :1]  # in (0, 1]
        wanted = tf.math.ceil(fraction * tf.cast(available, "float32"))
        size = tf.reduce_sum(tf.cast(wanted, "int64"), -1, keepdims=True)
        size = tf.minimum(size, self.support_size(ways))
        factor = tf.gather(FACTORS, tf.cast(draw[:, 1:] * len(FACTORS), "int32"))
        weight = factor * tf.cast(sizes * present, "int64")
        free = size - tf.reduce_sum(tf.cast(present, "int64"), -1, keepdims=True)
        counts = free * weight // tf.reduce_sum(weight, -1, keepdims=True)
        return tf.minimum(tf.cast(counts, "int32") + present, available)
