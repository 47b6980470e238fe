"""Transductive information maximization."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.adam import adam
from fsl_keras.heads.support import probabilities, weighted_means
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor

# The smallest probability of which the logarithm is taken.
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class TIMHead(TransductiveHead):
    """Adapts prototypes to maximize the mutual information of queries and labels.

    Adam minimizes the cross-entropy of the examples, minus the marginal entropy of the
    queries (the entropy of their mean probabilities), plus their conditional entropy
    (the mean entropy of their probabilities). Embeddings are scaled to unit length.
    Logits are `-scale / 2` times squared distances to the prototypes, up to a term that
    all classes share.

    With Shannon entropies (`alpha=None`, TIM) the result leans strongly to balanced
    classes: `prior` is `"uniform"`, and the three terms have the weights 0.1, 1 and
    0.1. With `alpha` (alpha-TIM) both entropies of the queries are Tsallis entropies
    of that order, which tolerate imbalanced classes: `prior` is `"flexible"`, and all
    three weights are 1.

    Both papers take 1,000 steps at a learning rate of 1e-4. The defaults, a tenth of
    the steps at ten times the rate, are faster and can be slightly less accurate; see
    `docs/measurements.md`. The values of `alpha` that the paper chose on validation
    classes are 2 for one shot and 7 for five or more.

    Reference:

    - [Boudiaf et al., 2020](https://arxiv.org/abs/2008.11297)
    - alpha: [Veilleux et al., 2021](https://arxiv.org/abs/2204.11181)

    Args:
        alpha: optional float above 1, the order of the Tsallis entropies. None means
            Shannon entropies.
        steps: integer, steps of Adam.
        learning_rate: float.
        scale: float, the factor of the logits.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if `alpha` is not above 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = TIMHead(alpha=2.0)
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    def __init__(
        self,
        alpha: float | None = None,
        steps: int = 100,
        learning_rate: float = 1e-3,
        scale: float = 15.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if alpha is not None and alpha <= 1:
            raise ValueError(
                f"`alpha` must be above 1, or None for Shannon entropies. Received: "
                f"alpha={alpha}"
            )
        self.alpha = alpha
        self.steps = steps
        self.learning_rate = learning_rate
        self.scale = scale
        self.prior = "uniform" if alpha is None else "flexible"
        # Of the cross-entropy, the marginal and the conditional entropy.
        self.loss_weights = (0.1, 1.0, 0.1) if alpha is None else (1.0, 1.0, 1.0)

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the logits by the adapted prototypes."""
        support, query = to_unit_length(support), to_unit_length(query)
        items = ops.concatenate([support, query], axis=1)
        examples = ops.shape(support)[1]
        example_weights = mean_weights(ops.max(labels, axis=-1, keepdims=True))
        query_weights = mean_weights(mask[..., None])
        of_cross, of_marginal, of_conditional = self.loss_weights

        def gradient(prototypes):
            p = probabilities(self.logits(items, prototypes), labels)
            of_support = of_cross * example_weights * (p[:, :examples] - labels)
            p = p[:, examples:]
            marginal = ops.sum(query_weights * p, axis=1, keepdims=True)
            by_p = -of_marginal * entropy_gradient(marginal, self.alpha)
            by_p = by_p + of_conditional * entropy_gradient(p, self.alpha)
            of_query = query_weights * through_softmax(by_p, p)
            of_logits = ops.concatenate([of_support, of_query], axis=1)
            products = ops.matmul(ops.swapaxes(of_logits, 1, 2), items)
            total = ops.sum(of_logits, axis=1)[..., None]
            return self.scale * (products - total * prototypes)

        start = weighted_means(support, labels)
        prototypes = adam(gradient, start, self.steps, self.learning_rate)
        return self.logits(query, prototypes)

    def logits(self, items: Tensor, prototypes: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]`, without the term that all classes share."""
        products = ops.matmul(items, ops.swapaxes(prototypes, 1, 2))
        squares = ops.sum(ops.square(prototypes), axis=-1)[:, None, :]
        return self.scale * (products - squares / 2)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "scale": self.scale,
        }


def mean_weights(is_real: Tensor) -> Tensor:
    """Returns the weight `[T, M, 1]` of each item in a mean of the real ones."""
    return is_real / ops.maximum(ops.sum(is_real, axis=1, keepdims=True), 1.0)


def entropy_gradient(p: Tensor, alpha: float | None = None) -> Tensor:
    """Returns the derivative of the entropy by each probability.

    Args:
        p: float32 probabilities.
        alpha: optional float, the order of the Tsallis entropy. None means the Shannon
            entropy, whose derivative is returned up to a constant: this has no effect
            through a softmax.
    """
    if alpha is None:
        return -ops.log(ops.maximum(p, EPSILON))
    return -alpha / (alpha - 1) * p ** (alpha - 1)


def through_softmax(gradient: Tensor, p: Tensor) -> Tensor:
    """Converts a gradient by probabilities `p` to one by their logits."""
    return p * (gradient - ops.sum(p * gradient, axis=-1, keepdims=True))
