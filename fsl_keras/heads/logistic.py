"""Logistic regression on the embeddings."""

import math

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.linear import root_mean_square


@keras.saving.register_keras_serializable(package="fsl_keras")
class LogisticHead(ExampleHead):
    """Scores a query by multinomial logistic regression on the support set.

    Minimizes the summed cross-entropy of the support set plus `regularization / 2`
    times the squared weights, to its one minimum. Each step solves the quadratic that
    lies above the loss everywhere: Newton's step, with one bound of the curvature for
    all steps, so that its matrix is inverted once. The matrix is one of examples by
    examples, as weights are sums of examples, and momentum makes the steps fast.
    Embeddings are first divided by the root mean square of their lengths, so that the
    same regularization suits every backbone. No gradient goes through the steps.

    Reference:

    - [Böhning, 1992](https://doi.org/10.1007/BF00048682), the bound
    - [Tian et al., 2020](https://arxiv.org/abs/2003.11539), on few-shot features

    Args:
        regularization: float above 0.
        steps: integer.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if the regularization is not above 0, or there are no steps.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> logits = LogisticHead()(support, labels, support)
    >>> np.asarray(ops.argmax(logits, axis=-1)).tolist()
    [[0, 0, 1]]
    """

    incremental = "refit"

    def __init__(self, regularization=0.1, steps=100, **kwargs):
        super().__init__(**kwargs)
        if not 0 < regularization < math.inf or steps < 1:
            raise ValueError(
                f"`regularization` must be above 0, or separable classes would have "
                f"endless weights, and `steps` at least 1. Received: "
                f"regularization={regularization!r}, steps={steps!r}"
            )
        self.regularization = regularization
        self.steps = steps
        self.built = True

    def prepare(self, memory):
        """Returns `{"weights": [T, N, D], "biases": [T, N], "present": [T, N]}`."""
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        size = root_mean_square(support, labels)
        is_real = ops.max(labels, axis=-1, keepdims=True)
        # Biases are the weights of an input that is always one.
        inputs = ops.concatenate([support / size, ops.ones_like(is_real)], axis=-1)
        inputs = is_real * inputs
        amounts = self._fit(ops.matmul(inputs, ops.swapaxes(inputs, 1, 2)), labels)
        weights = ops.matmul(ops.swapaxes(amounts, 1, 2), inputs)
        return {
            "weights": weights[..., :-1] / size,
            "biases": weights[..., -1],
            "present": presence(labels),
        }

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        logits = ops.einsum("tmd,tnd->tmn", query, state["weights"])
        logits = logits + state["biases"][:, None, :]
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def _fit(self, products, labels):
        """Returns how often `[T, S, N]` each example is in the weights of a class.

        Args:
            products: float32 `[T, S, S]`, the products of the inputs.
            labels: float32 `[T, S, N]`.
        """
        is_real = ops.max(labels, axis=-1, keepdims=True)
        absent = ops.where(presence(labels)[:, None, :] > 0, 0.0, ABSENT)
        # The curvature of the cross-entropy in its logits is nowhere above a half.
        bound = 0.5 * products + self.regularization * ops.eye(ops.shape(products)[1])
        inverse = ops.inv(bound)

        def step(number, carry):
            amounts, last = carry
            pace = ops.cast(number, "float32") / ops.cast(number + 3, "float32")
            ahead = amounts + pace * (amounts - last)
            logits = ops.matmul(products, ahead) + absent
            # `ops.softmax` warns of a single class, `ops.log_softmax` does not.
            errors = ops.exp(ops.log_softmax(logits, axis=-1)) - labels
            slope = is_real * errors + self.regularization * ahead
            return ahead - ops.matmul(inverse, slope), amounts

        start = ops.zeros_like(labels)
        return ops.fori_loop(0, self.steps, step, (start, start))[0]

    def get_config(self):
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "steps": self.steps,
        }
