"""Prototypes refined by soft k-means over the queries."""

import keras
from keras import ops

from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.transductive import (
    TransductiveHead,
    probabilities,
    weighted_means,
)


@keras.saving.register_keras_serializable(package="fsl_keras")
class SoftKMeansHead(TransductiveHead):
    """Scores queries by prototypes that the queries themselves have refined.

    Each query is shared out among the classes by the softmax of its negative squared
    distances to their means; then the means are taken anew, over examples and
    queries. The gradient reaches the embeddings, so a backbone can be trained under
    this head. It assumes nothing about how often classes occur among the queries
    (`prior` is `"none"`).

    The paper refines by a set of unlabelled items apart from the queries, and takes
    one step; more did not help it.

    Reference:

    - [Ren et al., 2018](https://arxiv.org/abs/1803.00676)

    Args:
        steps: integer, how many times the means are refined.

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

    def __init__(self, steps=1, **kwargs):
        super().__init__(**kwargs)
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={steps}")
        self.steps = steps
        self.built = True

    def infer(self, support, labels, query, mask):
        """Returns the negative squared distances to the refined means."""
        items = ops.concatenate([support, query], axis=1)
        means = weighted_means(support, labels)
        for _ in range(self.steps):
            shares = probabilities(-squared_distances(query, means), labels)
            shares = shares * mask[..., None]
            means = weighted_means(items, ops.concatenate([labels, shares], axis=1))
        return -squared_distances(query, means)

    def get_config(self):
        return {**super().get_config(), "steps": self.steps}
