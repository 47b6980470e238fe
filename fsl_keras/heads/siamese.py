"""Comparison with every example, by a learned measure of pairs."""

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead, presence
from fsl_keras.heads.head import ABSENT

COMPARISONS = ("sigmoid", "distance")
AGGREGATES = ("mean", "max")
# Below it a squared distance counts as this much and has no gradient: that of the
# root is infinite at 0, where the two of a pair are the same.
SMALLEST = 1e-12
# The unit begins at `BIAS - SLOPE * mean(|a - b|)`: near 0 where rectified features
# of unit variance are of two classes, higher where they are nearer.
SLOPE, BIAS = 4.0, 2.0


@keras.saving.register_keras_serializable(package="fsl_keras")
class SiameseHead(ExampleHead):
    """Scores a query by its likeness to each example of a class.

    The likeness of two embeddings is `w · |a - b| + bias` with learned weights, the
    logit that both are of one class, or their negative Euclidean distance. The score
    of a class is the mean or the maximum over its examples. The weights begin
    as those of a distance: from random signs, a network learns the pairs it is
    trained on long before it tells new classes apart.

    Its memory is the embedded support set; a call takes the memory of all
    differences, `T * M * S * D` numbers.

    Reference:

    - [Koch et al., 2015](https://www.cs.cmu.edu/~rsalakhu/papers/oneshot1.pdf)
    - distance: [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        comparison: `"sigmoid"` (learned) or `"distance"` (no weights).
        aggregate: `"mean"` or `"max"` (the most alike example alone).

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> head = SiameseHead(comparison="distance", aggregate="max")
    >>> np.asarray(head(support, labels, np.array([[[4.0, 0.0]]]))).tolist()
    [[[-2.0, -1.0]]]
    """

    def __init__(self, comparison="sigmoid", aggregate="mean", **kwargs):
        super().__init__(**kwargs)
        if comparison not in COMPARISONS:
            raise ValueError(
                f"`comparison` must be one of {COMPARISONS}. Received: "
                f"comparison={comparison!r}"
            )
        if aggregate not in AGGREGATES:
            raise ValueError(
                f"`aggregate` must be one of {AGGREGATES}. Received: "
                f"aggregate={aggregate!r}"
            )
        self.comparison = comparison
        self.aggregate = aggregate
        self.unit = None
        if comparison == "sigmoid":
            self.unit = keras.layers.Dense(
                1,
                bias_initializer=keras.initializers.Constant(BIAS),
                dtype=self.dtype_policy,
                name="unit",
            )

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the weights of the unit for embeddings `[T, S, D]`."""
        del support_labels_shape, query_shape
        if self.unit is None:
            return
        length = support_shape[-1]
        self.unit.kernel_initializer = keras.initializers.Constant(-SLOPE / length)
        self.unit.build((None, length))

    def compare(self, a, b):
        """Returns the likeness `[..., 1]` of embeddings `[..., D]`."""
        if self.comparison == "sigmoid":
            return self.unit(ops.absolute(a - b))
        squares = ops.sum(ops.square(a - b), axis=-1, keepdims=True)
        return -ops.sqrt(ops.maximum(squares, SMALLEST))

    def prepare(self, memory):
        """Returns the memory: the examples themselves classify."""
        return memory

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        labels = state["labels"]
        likeness = self.compare(query[:, :, None], state["support"][:, None])[..., 0]
        if self.aggregate == "mean":
            sums = ops.einsum("tms,tsn->tmn", likeness, labels)
            logits = sums / ops.maximum(ops.sum(labels, axis=1), 1.0)[:, None]
        else:
            own = ops.where(labels[:, None] > 0, likeness[..., None], ABSENT)
            logits = ops.max(own, axis=2)
        return ops.where(presence(labels)[:, None] > 0, logits, ABSENT)

    def get_config(self):
        config = super().get_config()
        return {**config, "comparison": self.comparison, "aggregate": self.aggregate}
