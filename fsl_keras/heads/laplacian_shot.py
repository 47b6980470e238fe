"""Nearest prototype, regularized by a graph of the queries."""

from typing import Any

import keras
from keras import ops

from fsl_keras.heads.bd_cspn import rectify
from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.support import probabilities
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class LaplacianShotHead(TransductiveHead):
    """Nearest-prototype logits, regularized so that neighbors get similar labels.

    The logits of a query are its negative squared distances to the prototypes plus
    `weight` times the current probabilities of its nearest queries, updated repeatedly
    (bound updates of the Laplacian objective). Prototypes are rectified and queries
    shifted as in `BDCSPNHead`, on embeddings of unit length.

    The graph assumes nothing about the class distribution of the queries; the
    rectification assumes that of the examples (`prior` is `"support"`).

    The reference implementation takes two neighbors (its `knn=3` counts the query
    itself), 20 updates, and a weight chosen on validation classes: on miniImageNet
    0.7 for one shot and 0.3 for five.

    Reference:

    - [Ziko et al., 2020](https://arxiv.org/abs/2006.15486)

    Args:
        neighbors: integer, the number of nearest queries of each query.
        weight: float, the weight of the neighbors.
        steps: integer, the number of updates.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [2.0, 1.0], [1.0, 3.0]]])
    >>> head = LaplacianShotHead(neighbors=1)
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 0, 1]]
    """

    prior = "support"

    def __init__(
        self, neighbors: int = 2, weight: float = 0.7, steps: int = 20, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.neighbors = neighbors
        self.weight = weight
        self.steps = steps

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the logits after the last update."""
        prototypes, query = rectify(support, labels, query, mask)
        unary = -squared_distances(query, prototypes)
        graph = self.weight * nearest(query, mask, self.neighbors)

        def update(_, logits):
            return unary + ops.matmul(graph, probabilities(logits, labels))

        return ops.fori_loop(0, self.steps, update, unary)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "neighbors": self.neighbors,
            "weight": self.weight,
            "steps": self.steps,
        }


def nearest(query: Tensor, mask: Tensor, neighbors: int) -> Tensor:
    """Returns float32 `[T, M, M]`, 1 where the second is a neighbor of the first.

    Neither padding nor the query itself is a neighbor. Where there are fewer than
    `neighbors` other queries, all of them are.
    """
    distances = squared_distances(query, query)
    itself = ops.eye(ops.shape(query)[1])
    allowed = (1.0 - itself) * mask[:, None, :]
    # Ranks instead of `top_k`, which fails for more neighbors than queries.
    distances = ops.where(allowed > 0, distances, float("inf"))
    rank = ops.argsort(ops.argsort(distances, axis=-1), axis=-1)
    return ops.cast(rank < neighbors, "float32") * allowed
