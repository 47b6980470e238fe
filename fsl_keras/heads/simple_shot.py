"""Nearest prototype among centered embeddings of unit length."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.sums import NearestMeanHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimpleShotHead(NearestMeanHead):
    """Scores a query by its distance to class means of normalized embeddings.

    Embeddings are centered and scaled to unit length (CL2N in the paper); logits are
    negative squared Euclidean distances to the mean of each class. `center`, the mean
    embedding of the base classes, is a non-trainable weight. It is zero until
    `fit_base` sets it, which is L2N in the paper.

    Reference:

    - [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        shrinkage: float from 0 to 1. The center is the mean of the base classes times
            one minus this. Base classes unlike those that are learned then do less
            harm. Defaults to `0.0`, as in the paper.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `shrinkage` is not from 0 to 1.

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

    def __init__(self, shrinkage: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= shrinkage <= 1:
            raise ValueError(
                f"`shrinkage` must be from 0, the whole mean, to 1, no center. "
                f"Received: shrinkage={shrinkage!r}"
            )
        self.shrinkage = shrinkage
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
        mean = np.mean(embeddings, axis=0, dtype="float64")
        self.center.assign((1 - self.shrinkage) * mean)

    def normalize(self, embeddings: Tensor) -> Tensor:
        """Returns centered embeddings of unit length, float32."""
        return to_unit_length(ops.cast(embeddings, "float32") - self.center)

    def search_vectors(self, query: Tensor) -> Tensor:
        """Returns what is compared with the prototypes, float32, of embeddings."""
        return self.normalize(query)

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, D], "counts": [T, N]}`."""
        return super().remember(self.normalize(support), support_labels)

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        distances = self.squared_distances(state, self.normalize(query))
        return self.mask_absent(-distances, state["present"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shrinkage": self.shrinkage}
