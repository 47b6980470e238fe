"""Nearest prototype among centered embeddings of unit length."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.sums import MeanHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimpleShotHead(MeanHead):
    """Scores a query by its distance to class means of normalized embeddings.

    Embeddings are centered and scaled to unit length (CL2N in the paper); logits are
    negative squared Euclidean distances to the mean of each class. `center`, the mean
    embedding of the base classes, is a non-trainable weight. It is zero until
    `fit_base` sets it, which is L2N in the paper.

    Reference:

    - [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 2.0], [5.0, 1.0]]])
    >>> query = np.array([[[0.0, 9.0]]])
    >>> head = SimpleShotHead()
    >>> head.build(support.shape)
    >>> head.set_weights([np.array([0.0, 1.0])])
    >>> np.asarray(head(support, np.eye(2)[None], query)).tolist()
    [[[-0.0, -2.0]]]
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.center: Tensor = None

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the center of embeddings of shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        self.center = self.add_weight(
            name="center",
            shape=(support_shape[-1],),
            initializer="zeros",
            trainable=False,
        )

    def fit_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Sets the center to the mean embedding of the base classes.

        Args:
            embeddings: float array `[n, D]`.
            labels: integer array `[n]`; not used.
        """
        del labels
        self.center.assign(np.mean(embeddings, axis=0, dtype="float64"))

    def normalize(self, embeddings: Tensor) -> Tensor:
        """Returns centered embeddings of unit length, float32."""
        return to_unit_length(ops.cast(embeddings, "float32") - self.center)

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, D], "counts": [T, N]}`."""
        return super().remember(self.normalize(support), support_labels)

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        distances = squared_distances(self.normalize(query), state["prototypes"])
        return self.mask_absent(-distances, state["present"])
