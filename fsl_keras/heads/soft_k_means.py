"""Prototypes refined by soft k-means over the queries."""

from typing import Any

import keras
from keras import ops

from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.support import probabilities, weighted_means
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SoftKMeansHead(TransductiveHead):
    """Nearest prototype, where soft k-means over the queries refines the prototypes.

    Each query is assigned to the classes by the softmax of its negative squared
    distances to their means; then the means are recomputed over examples and queries.
    The gradient reaches the embeddings, so a backbone can be trained under this head.
    It assumes nothing about the class distribution of the queries (`prior` is
    `"none"`).

    The paper refines with unlabeled items other than the queries. It takes one step;
    more did not help.

    Reference:

    - [Ren et al., 2018](https://arxiv.org/abs/1803.00676)

    Args:
        steps: integer, the number of refinements.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if `steps` is below 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0], [4.0]]])
    >>> query = np.array([[[1.0], [1.5], [2.5]]])
    >>> head = SoftKMeansHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 0, 1]]
    """

    end_to_end = True

    def __init__(self, steps: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={steps}")
        self.steps = steps

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the negative squared distances to the refined means."""
        items = ops.concatenate([support, query], axis=1)
        means = weighted_means(support, labels)
        for _ in range(self.steps):
            assigned = probabilities(-squared_distances(query, means), labels)
            weights = ops.concatenate([labels, assigned * mask[..., None]], axis=1)
            means = weighted_means(items, weights)
        return -squared_distances(query, means)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
