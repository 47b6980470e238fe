"""Logistic regression on the embeddings."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.linear import linear_logits
from fsl_keras.heads.support import (
    EPSILON,
    balanced_weights,
    one_hot_of,
    presence,
    probabilities,
    root_mean_square,
    with_ones,
)
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class LogisticHead(ExampleHead):
    """Scores a query by multinomial logistic regression on the support set.

    Minimizes the summed cross-entropy of the support set plus `regularization / 2`
    times the squared weights and biases. Examples are weighted so that all classes
    have the same total weight. Each step minimizes a quadratic upper bound of the
    loss: it is a Newton step with a constant bound in place of the Hessian, so that
    one matrix is inverted for all steps. This matrix is S x S or D x D, whichever is
    smaller: the steps are the same. Nesterov momentum accelerates them. Embeddings are
    first divided by the root mean square of their lengths, so that the same
    regularization suits every backbone. No gradient goes through the steps.

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
        ValueError: if `regularization` is not above 0, or `steps` is below 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> logits = LogisticHead()(support, labels, support)
    >>> np.asarray(ops.argmax(logits, axis=-1)).tolist()
    [[0, 0, 1]]
    """

    incremental = "refit"
    weighs_examples = True

    def __init__(self, regularization: float = 0.1, steps: int = 100, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 < regularization < math.inf or steps < 1:
            raise ValueError(
                f"`regularization` must be above 0, or separable classes would "
                f"have infinite weights, and `steps` must be at least 1. Received: "
                f"regularization={regularization!r}, steps={steps!r}"
            )
        self.regularization = regularization
        self.steps = steps
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"weights": [T, N, D], "biases": [T, N], "present": [T, N]}`."""
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        size = root_mean_square(support, labels)
        targets = one_hot_of(labels)
        is_real = ops.max(targets, axis=-1, keepdims=True)
        inputs = is_real * with_ones(support / size)
        examples, length = inputs.shape[1:]
        is_long = examples is not None and examples > length
        fit = self._fit_primal if is_long else self._fit_dual
        weights = fit(inputs, targets, balanced_weights(labels))
        return {
            "weights": weights[..., :-1] / size,
            "biases": weights[..., -1],
            "present": presence(labels),
        }

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        logits = linear_logits(state, ops.cast(query, "float32"))
        return self.mask_absent(logits, state["present"])

    def _fit_dual(self, inputs, labels, weights):
        """Returns the weights `[T, N, D]` as combinations of the inputs `[T, S, D]`."""
        root = ops.sqrt(weights)
        weighted = root * inputs
        gram = ops.matmul(weighted, ops.swapaxes(weighted, 1, 2))
        # Logits are of the inputs, not of the weighted ones.
        inverse_root = ops.where(root > 0, 1.0 / ops.maximum(root, EPSILON), 0.0)

        def gradient(coefficients):
            logits = inverse_root * ops.matmul(gram, coefficients)
            errors = probabilities(logits, labels) - labels
            return root * errors + self.regularization * coefficients

        coefficients = self._descend(gradient, gram, ops.zeros_like(labels))
        return ops.matmul(ops.swapaxes(coefficients, 1, 2), weighted)

    def _fit_primal(self, inputs, labels, weights):
        """Returns the weights `[T, N, D]`, fitted directly."""
        transposed = ops.swapaxes(inputs, 1, 2)
        gram = ops.matmul(transposed, weights * inputs)

        def gradient(values):
            errors = probabilities(ops.matmul(inputs, values), labels) - labels
            by_values = ops.matmul(transposed, weights * errors)
            return by_values + self.regularization * values

        start = ops.zeros_like(ops.matmul(transposed, labels))
        return ops.swapaxes(self._descend(gradient, gram, start), 1, 2)

    def _descend(self, gradient, gram, start):
        """Returns the values at which the gradient is zero.

        Args:
            gradient: function of float32 `[T, K, N]`.
            gram: float32 `[T, K, K]`, the products of the weighted inputs.
            start: float32 `[T, K, N]`.
        """
        # The second derivative of the cross-entropy by its logits is at most 1/2.
        bound = 0.5 * gram + self.regularization * ops.eye(ops.shape(gram)[1])
        inverse = ops.inv(bound)

        def step(index, carry):
            values, last = carry
            momentum = ops.cast(index, "float32") / ops.cast(index + 3, "float32")
            ahead = values + momentum * (values - last)
            return ahead - ops.matmul(inverse, gradient(ahead)), values

        return ops.fori_loop(0, self.steps, step, (start, start))[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "steps": self.steps,
        }
