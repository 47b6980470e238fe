"""Transductive information maximisation."""

import keras
from keras import ops

from fsl_keras.heads.adam import adam
from fsl_keras.heads.transductive import (
    TransductiveHead,
    probabilities,
    weighted_means,
)

# Below this a probability counts as this in a logarithm.
TINY = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class TIMHead(TransductiveHead):
    """Fine-tunes prototypes so that queries are told apart surely and evenly.

    Prototypes of embeddings of unit length follow, by Adam, the slope of the
    cross-entropy of the examples, minus the entropy of the mean probabilities of the
    queries (how evenly classes occur), plus the mean entropy of their probabilities
    (how unsure they are). Logits are `-temperature / 2` times squared distances, up
    to what is the same for all classes.

    With Shannon's entropy (`alpha=None`, TIM) even classes are insisted on: `prior`
    is `"uniform"`, and the three terms weigh 0.1, 1 and 0.1. With `alpha`
    (alpha-TIM) both entropies of the queries are Tsallis's of that order, which lets
    go of even classes when the queries say so: `prior` is `"flexible"`, and all
    three weigh 1.

    Both papers take 1,000 steps at 1e-4. The defaults, a tenth of the steps at ten
    times the rate, are faster and can be a little less accurate; `docs/measurements.md`
    has both. The values of `alpha` that the paper chose on validation classes are 2
    with one shot and 7 with five or more.

    Reference:

    - [Boudiaf et al., 2020](https://arxiv.org/abs/2008.11297)
    - alpha: [Veilleux et al., 2021](https://arxiv.org/abs/2204.11181)

    Args:
        alpha: optional float above 1, the order of the entropies of the queries.
        steps: integer, steps of Adam.
        learning_rate: float.
        temperature: float, how sharply distances are told apart.

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
        self, alpha=None, steps=100, learning_rate=1e-3, temperature=15.0, **kwargs
    ):
        super().__init__(**kwargs)
        if alpha is not None and alpha <= 1:
            raise ValueError(
                f"`alpha` must be above 1, or None for Shannon's entropy. Received: "
                f"alpha={alpha}"
            )
        self.alpha = alpha
        self.steps = steps
        self.learning_rate = learning_rate
        self.temperature = temperature
        # Of the cross-entropy, the marginal and the conditional entropy.
        self.loss_weights = (0.1, 1.0, 0.1) if alpha is None else (1.0, 1.0, 1.0)
        self.built = True

    @property
    def prior(self):
        """What is assumed of how often classes occur among the queries."""
        return "uniform" if self.alpha is None else "flexible"

    def infer(self, support, labels, query, mask):
        """Returns the logits by the fine-tuned prototypes."""
        support, query = (ops.normalize(x, axis=-1) for x in (support, query))
        items = ops.concatenate([support, query], axis=1)
        places = ops.shape(support)[1]
        # The share of each item in the mean over examples or over queries.
        is_example = ops.max(labels, axis=-1, keepdims=True)
        example_share, query_share = (
            mean_shares(is_example),
            mean_shares(mask[..., None]),
        )
        of_examples, of_marginal, of_conditional = self.loss_weights

        def slope(prototypes):
            p = probabilities(self.logits(items, prototypes), labels)
            of_support = of_examples * example_share * (p[:, :places] - labels)
            p = p[:, places:]
            marginal = ops.sum(query_share * p, axis=1, keepdims=True)
            unevenness = -of_marginal * entropy_slope(marginal, self.alpha)
            unsureness = of_conditional * entropy_slope(p, self.alpha)
            of_query = query_share * through_softmax(unevenness + unsureness, p)
            of_logits = ops.concatenate([of_support, of_query], axis=1)
            pull = ops.matmul(ops.swapaxes(of_logits, 1, 2), items)
            total = ops.sum(of_logits, axis=1)[..., None]
            return self.temperature * (pull - total * prototypes)

        start = weighted_means(support, labels)
        prototypes = adam(slope, start, self.steps, self.learning_rate)
        return self.logits(query, prototypes)

    def logits(self, items, prototypes):
        """Returns the logits `[T, M, N]`, without what is the same for all classes."""
        products = ops.matmul(items, ops.swapaxes(prototypes, 1, 2))
        squares = ops.sum(ops.square(prototypes), axis=-1)[:, None, :]
        return self.temperature * (products - squares / 2)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "temperature": self.temperature,
        }


def mean_shares(is_real):
    """Returns the weight of each item in a mean of the real ones: `[T, M, 1]`."""
    return is_real / ops.maximum(ops.sum(is_real, axis=1, keepdims=True), 1.0)


def entropy_slope(p, alpha=None):
    """Returns the derivative of the entropy of probabilities by each of them.

    Args:
        p: float32 probabilities.
        alpha: optional float, the order of Tsallis's entropy; Shannon's by default,
            whose derivative is given up to a constant, of no effect on a softmax.
    """
    if alpha is None:
        return -ops.log(ops.maximum(p, TINY))
    return -alpha / (alpha - 1) * p ** (alpha - 1)


def through_softmax(slope, p):
    """Turns a derivative by probabilities `p` into one by their logits."""
    return p * (slope - ops.sum(p * slope, axis=-1, keepdims=True))
