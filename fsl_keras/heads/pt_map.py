"""Optimal transport of queries to class centers."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.support import presence, probabilities, weighted_means
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor

# Sinkhorn's iteration stops where the assignments of every query sum to 1 within the
# tolerance. Well separated classes of unequal size take hundreds of iterations.
TOLERANCE, MAX_ITERATIONS = 1e-5, 1000

# Added to embeddings before the power, whose gradient at zero is infinite.
EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(rate="learning_rate")
class PTMAPHead(TransductiveHead):
    """Assigns queries to class centers by optimal transport, equally many per class.

    A power transform makes the distribution of the embeddings more Gaussian. They are
    scaled to unit length, centered (examples by their mean, queries by theirs) and
    scaled again. Then two steps alternate: queries are assigned by the
    entropy-regularized optimal transport plan that gives all classes the same mass,
    and centers move toward the mean of the examples and queries assigned to them.
    Logits are the logarithms of the last plan, up to a term that all classes share.

    It assumes that all classes have equally many queries (`prior` is `"uniform"`), and
    is much less accurate where they have not.

    Embeddings must not be negative, as after a ReLU and average pooling: negative
    values are clipped. The defaults are those of the reference implementation for
    miniImageNet.

    Reference:

    - [Hu et al., 2021](https://arxiv.org/abs/2006.03806)

    Args:
        power: float, the exponent of the power transform.
        sharpness: float, the weight of squared distances relative to the entropy of
            the plan (lambda in the paper).
        learning_rate: float in [0, 1], the fraction of the way that centers move per
            step (alpha in the paper).
        steps: integer, the number of times that centers move.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = PTMAPHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    prior = "uniform"

    def __init__(
        self,
        power: float = 0.5,
        sharpness: float = 10.0,
        learning_rate: float = 0.2,
        steps: int = 20,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.power = power
        self.sharpness = sharpness
        self.learning_rate = learning_rate
        self.steps = steps

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the logarithms of the last plan."""
        support = self.transform(support, ops.max(labels, axis=-1))
        query = self.transform(query, mask)
        items = ops.concatenate([support, query], axis=1)

        def plan(centers):
            logits = -self.sharpness * squared_distances(query, centers)
            return balanced(logits, mask, labels)

        def step(_, centers):
            assigned = probabilities(plan(centers), labels) * mask[..., None]
            weights = ops.concatenate([labels, assigned], axis=1)
            change = weighted_means(items, weights) - centers
            return centers + self.learning_rate * change

        centers = weighted_means(support, labels)
        return plan(ops.fori_loop(0, self.steps, step, centers))

    def transform(self, vectors: Tensor, is_real: Tensor) -> Tensor:
        """Returns vectors after the power transform, centered, at unit length.

        Args:
            vectors: float32 `[T, S, D]`.
            is_real: float32 `[T, S]`, 0 at padding, which the mean leaves out.
        """
        vectors = (ops.relu(vectors) + EPSILON) ** self.power
        vectors = to_unit_length(vectors)
        vectors = vectors - weighted_means(vectors, is_real[..., None])
        return to_unit_length(vectors)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "power": self.power,
            "sharpness": self.sharpness,
            "learning_rate": self.learning_rate,
            "steps": self.steps,
        }


def balanced(logits: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
    """Adds a term per class that makes all classes equally likely among the queries.

    This is Sinkhorn's iteration: over the queries of a task, the softmax of the result
    has the same sum for every class that is present. Tasks that have converged do not
    change while others continue.

    Reference:

    - [Cuturi, 2013](https://arxiv.org/abs/1306.0895)

    Args:
        logits: float32 `[T, M, N]`.
        mask: float32 `[T, M]`, 0 for queries that are left out.
        labels: one-hot float32 `[T, S, N]`, which say what classes are present.

    Returns:
        float32 `[T, M, N]`.
    """
    kernel, present = probabilities(logits, labels), presence(labels)
    count = ops.sum(mask, axis=1, keepdims=True)
    target = count * present / ops.maximum(ops.sum(present, 1, keepdims=True), 1.0)

    def row_sums(factors):
        return ops.einsum("tmn,tn->tm", kernel, factors)

    def goes_on(factors, sums, error):
        del factors, sums
        return ops.any(error > TOLERANCE)

    def step(factors, sums, error):
        scale = mask / sums
        masses = ops.einsum("tmn,tm->tn", kernel, scale)
        new = target / ops.where(masses > 0, masses, 1.0)
        new = ops.where(error[:, None] > TOLERANCE, new, factors)
        sums = row_sums(new)
        error = ops.max(ops.abs(scale * sums - mask), axis=1)
        return new, sums, error

    start = (present, row_sums(present), ops.full_like(mask[:, 0], float("inf")))
    factors, *_ = ops.while_loop(
        goes_on, step, start, maximum_iterations=MAX_ITERATIONS
    )
    return logits + ops.log(ops.where(factors > 0, factors, 1.0))[:, None, :]
