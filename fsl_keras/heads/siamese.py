"""Comparison with every example by a learned similarity of pairs."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.support import presence
from fsl_keras.typing import Shape, Tensor

SIMILARITIES = ("learned", "euclidean")
# The old names, which saved files hold.
RENAMED = {"sigmoid": "learned", "distance": "euclidean"}
AGGREGATES = ("mean", "max")
# The least squared distance. The gradient of the root is infinite at zero, where both
# embeddings of a pair are the same.
EPSILON = 1e-12
# The initial similarity is `BIAS - WEIGHT * mean(|a - b|)`: near 0 where rectified
# features of unit variance are of two classes, higher where they are closer.
WEIGHT, BIAS = 4.0, 2.0


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(comparison="similarity")
class SiameseHead(ExampleHead):
    """Scores a query by its similarity to each example of a class.

    The similarity of two embeddings is the logit `w · |a - b| + bias` with learned
    weights, whose sigmoid is the probability that both are of the same class, or their
    negative Euclidean distance. The score of a class is the mean or the maximum over
    its examples. The initial weights are those of a distance: from random signs, a
    network learns to separate the training pairs long before it generalizes.

    The memory is the embedded support set. A call takes the memory of all differences,
    `T * M * S * D` numbers.

    Reference:

    - [Koch et al., 2015](https://www.cs.cmu.edu/~rsalakhu/papers/oneshot1.pdf)
    - euclidean: [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        similarity: `"learned"`, or `"euclidean"`, which has no weights.
        aggregate: `"mean"`, or `"max"` for the most similar example alone.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `similarity` or `aggregate` is unknown.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> head = SiameseHead(similarity="euclidean", aggregate="max")
    >>> np.asarray(head(support, labels, np.array([[[4.0, 0.0]]]))).tolist()
    [[[-2.0, -1.0]]]
    """

    def __init__(
        self, similarity: str = "learned", aggregate: str = "mean", **kwargs: Any
    ):
        super().__init__(**kwargs)
        similarity = RENAMED.get(similarity, similarity)
        if similarity not in SIMILARITIES:
            raise ValueError(
                f"`similarity` must be one of {SIMILARITIES}. Received: "
                f"similarity={similarity!r}"
            )
        if aggregate not in AGGREGATES:
            raise ValueError(
                f"`aggregate` must be one of {AGGREGATES}. Received: "
                f"aggregate={aggregate!r}"
            )
        self.similarity = similarity
        self.aggregate = aggregate
        self.unit = None
        if similarity == "learned":
            self.unit = keras.layers.Dense(
                1,
                bias_initializer=keras.initializers.Constant(BIAS),
                dtype=self.dtype_policy,
                name="unit",
            )

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights of the unit for embeddings `[T, S, D]`."""
        del support_labels_shape, query_shape
        if self.unit is None:
            return
        length: Any = support_shape[-1]
        self.unit.kernel_initializer = keras.initializers.Constant(-WEIGHT / length)
        self.unit.build((None, length))

    def pair_similarity(self, a: Tensor, b: Tensor) -> Tensor:
        """Returns the similarity `[..., 1]` of embeddings `[..., D]`."""
        if self.unit is not None:
            return self.unit(ops.absolute(a - b))
        squares = ops.sum(ops.square(a - b), axis=-1, keepdims=True)
        return -ops.sqrt(ops.maximum(squares, EPSILON))

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the memory: the examples are the state."""
        return memory

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        support, labels = state["support"], state["labels"]
        similarity = self.pair_similarity(query[:, :, None], support[:, None])
        if self.aggregate == "mean":
            sums = ops.einsum("tms,tsn->tmn", similarity[..., 0], labels)
            logits = sums / ops.maximum(ops.sum(labels, axis=1), 1.0)[:, None]
        else:
            own = ops.where(labels[:, None] > 0, similarity, ABSENT)
            logits = ops.max(own, axis=2)
        return self.mask_absent(logits, presence(labels))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "similarity": self.similarity, "aggregate": self.aggregate}
