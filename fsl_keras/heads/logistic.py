"""Logistic regression on the embeddings."""

import math

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead, balanced_weights, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.linear import EPSILON, root_mean_square


@keras.saving.register_keras_serializable(package="fsl_keras")
class LogisticHead(ExampleHead):
    """Scores a query by multinomial logistic regression on the support set.

    Minimizes the summed cross-entropy of the support set plus `regularization / 2`
    times the squared weights, to its one minimum. Examples are weighted so that all
    classes count the same, however many examples they have. Each step solves the
    quadratic that lies above the loss everywhere: Newton's step, with one bound of the
    curvature for all steps, so that its matrix is inverted once. As weights are sums of
    examples, the matrix is one of examples by examples, or of dimensions by dimensions
    where these are fewer: the steps are the same. Momentum makes them fast.
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
        examples, length = inputs.shape[1:]
        is_long = examples is not None and examples > length
        fit = self._fit_primal if is_long else self._fit_dual
        weights = fit(inputs, labels)
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

    def _fit_dual(self, inputs, labels):
        """Returns the weights `[T, N, D]` as sums of the inputs `[T, S, D]`."""
        root = ops.sqrt(balanced_weights(labels))
        weighted = root * inputs
        products = ops.matmul(weighted, ops.swapaxes(weighted, 1, 2))
        # Logits are of the inputs, not of the weighted ones.
        inverse_root = ops.where(root > 0, 1.0 / ops.maximum(root, EPSILON), 0.0)

        def slope(amounts):
            errors = _errors(inverse_root * ops.matmul(products, amounts), labels)
            return root * errors + self.regularization * amounts

        amounts = self._descend(slope, products, ops.zeros_like(labels))
        return ops.matmul(ops.swapaxes(amounts, 1, 2), weighted)

    def _fit_primal(self, inputs, labels):
        """Returns the weights `[T, N, D]`, fitted themselves."""
        weight, transposed = balanced_weights(labels), ops.swapaxes(inputs, 1, 2)
        products = ops.matmul(transposed, weight * inputs)

        def slope(weights):
            errors = weight * _errors(ops.matmul(inputs, weights), labels)
            return ops.matmul(transposed, errors) + self.regularization * weights

        start = ops.zeros_like(ops.matmul(transposed, labels))
        return ops.swapaxes(self._descend(slope, products, start), 1, 2)

    def _descend(self, slope, products, start):
        """Returns where the slope is zero.

        Args:
            slope: function of float32 `[T, K, N]`.
            products: float32 `[T, K, K]`, the products of the weighted inputs.
            start: float32 `[T, K, N]`.
        """
        # The curvature of the cross-entropy in its logits is nowhere above a half.
        bound = 0.5 * products + self.regularization * ops.eye(ops.shape(products)[1])
        inverse = ops.inv(bound)

        def step(number, carry):
            values, last = carry
            pace = ops.cast(number, "float32") / ops.cast(number + 3, "float32")
            ahead = values + pace * (values - last)
            return ahead - ops.matmul(inverse, slope(ahead)), values

        return ops.fori_loop(0, self.steps, step, (start, start))[0]

    def get_config(self):
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "steps": self.steps,
        }


def _errors(logits, labels):
    """Returns probabilities minus labels `[T, S, N]`."""
    absent = ops.where(presence(labels)[:, None, :] > 0, 0.0, ABSENT)
    # `ops.softmax` warns of a single class, `ops.log_softmax` does not.
    return ops.exp(ops.log_softmax(logits + absent, axis=-1)) - labels
