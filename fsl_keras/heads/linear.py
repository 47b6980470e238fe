"""A linear classifier that is fitted to the support set."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.support import (
    EPSILON,
    balanced_weights,
    presence,
    probabilities,
    root_mean_square,
    with_ones,
)
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor

SIMILARITIES = ("dot", "cosine")
MOMENTUM = 0.9


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(distance="similarity", temperature="scale")
class LinearHead(ExampleHead):
    """Scores a query by a linear classifier, fitted by gradient descent.

    Gradient descent with momentum minimizes the mean cross-entropy of the support set
    plus `weight_decay / 2` times the squared weights. Examples are weighted so that
    all classes have the same total weight. Each step uses the whole support set, so
    the prediction does not depend on chance, the order of the examples, padding or the
    other tasks of a batch. The procedure of the paper, random batches of four from
    random weights, takes ten times as long and is no more accurate. Embeddings are
    first divided by the root mean square of their lengths, so that the same learning
    rate suits every backbone. No gradient goes through the steps to the support set.

    With `similarity="cosine"` a logit is the cosine similarity to the weights of the
    class, multiplied by a fixed scale, and the weights start at the class means. With
    `similarity="dot"` they start at zero, and there are biases.

    Reference:

    - Baseline and Baseline++: [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        similarity: `"dot"` or `"cosine"`.
        steps: integer, gradient steps.
        learning_rate: float.
        weight_decay: float. With `"cosine"` it does not change directions, and only
            makes later steps larger.
        scale: float, the factor of cosine similarities. Unused with `"dot"`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `similarity` is unknown.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> logits = LinearHead()(support, labels, support)
    >>> np.asarray(ops.argmax(logits, axis=-1)).tolist()
    [[0, 0, 1]]
    """

    incremental = "refit"

    def __init__(
        self,
        similarity: str = "dot",
        steps: int = 100,
        learning_rate: float = 1.0,
        weight_decay: float = 1e-3,
        scale: float = 10.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if similarity == "linear":  # the old name, which saved files hold
            similarity = "dot"
        if similarity not in SIMILARITIES:
            raise ValueError(
                f"`similarity` must be one of {SIMILARITIES}. Received: "
                f"similarity={similarity!r}"
            )
        self.similarity = similarity
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.scale = scale
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"weights": [T, N, D], "biases": [T, N], "present": [T, N]}`."""
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        if self.similarity == "cosine":
            weights = self._fit_cosine(to_unit_length(support), labels)
            biases = ops.zeros_like(labels[:, 0])
        else:
            size = root_mean_square(support, labels)
            weights, biases = self._fit_dot(support / size, labels)
            weights = weights / size
        return {"weights": weights, "biases": biases, "present": presence(labels)}

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        if self.similarity == "cosine":
            query = to_unit_length(query)
        return self.mask_absent(linear_logits(state, query), state["present"])

    def _fit_dot(self, inputs, labels):
        """Returns the weights `[T, N, D]` and biases `[T, N]` after all steps."""
        inputs, basis = _reduced(with_ones(inputs))
        residuals = residuals_of(labels, balanced_weights(labels))

        def gradient(weights):
            return _weighted_sums(residuals(_products(inputs, weights)), inputs)

        start = ops.zeros_like(_weighted_sums(labels, inputs))
        weights = self._descend(gradient, start, self.learning_rate)
        weights = ops.matmul(weights, basis)
        return weights[..., :-1], weights[..., -1]

    def _fit_cosine(self, inputs, labels):
        """Returns the weights `[T, N, D]`, whose length is the scale."""
        inputs, basis = _reduced(inputs)
        residuals = residuals_of(labels, balanced_weights(labels))

        def gradient(weights):
            squares = ops.sum(ops.square(weights), axis=-1, keepdims=True)
            inverse = ops.rsqrt(ops.maximum(squares, EPSILON))
            directions = inverse * weights
            errors = residuals(self.scale * _products(inputs, directions))
            by_direction = _weighted_sums(errors, inputs)
            # The component along the weights changes no angle.
            along = ops.sum(by_direction * directions, axis=-1, keepdims=True)
            return self.scale * inverse * (by_direction - along * directions)

        counts = ops.maximum(ops.sum(labels, axis=1), 1.0)[..., None]
        start = _weighted_sums(labels, inputs) / counts
        # The curvature of the loss grows with the square of the scale.
        weights = self._descend(gradient, start, self.learning_rate / self.scale**2)
        return self.scale * to_unit_length(ops.matmul(weights, basis))

    def _descend(self, gradient, weights, learning_rate):
        """Returns the weights after all steps with momentum."""

        def step(_, carry):
            weights, velocity = carry
            decayed = gradient(weights) + self.weight_decay * weights
            velocity = MOMENTUM * velocity + decayed
            return weights - learning_rate * velocity, velocity

        start = (weights, ops.zeros_like(weights))
        return ops.fori_loop(0, self.steps, step, start)[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "similarity": self.similarity,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "scale": self.scale,
        }


def linear_logits(state: dict[str, Tensor], query: Tensor) -> Tensor:
    """Returns the logits `[T, M, N]` of a state with `"weights"` and `"biases"`."""
    logits = ops.einsum("tmd,tnd->tmn", query, state["weights"])
    return logits + state["biases"][:, None, :]


def residuals_of(
    labels: Tensor, weights: Tensor | None = None
) -> Callable[[Tensor], Tensor]:
    """Returns the gradient of the mean cross-entropy as a function of logits.

    Args:
        labels: one-hot float32 `[T, S, N]`, zeros at padding.
        weights: optional float32 `[T, S, 1]`, the weight of each example in the mean.
    """
    is_real = ops.max(labels, axis=-1, keepdims=True)
    count = ops.maximum(ops.sum(is_real, axis=1, keepdims=True), 1.0)
    part = (is_real if weights is None else weights) / count
    return lambda logits: part * (probabilities(logits, labels) - labels)


def _reduced(inputs):
    """Returns the inputs in a basis of their own span, where that is smaller.

    Weights that start in the span of the inputs stay in it, and gradient steps are the
    same in every orthonormal basis.

    Returns:
        The inputs `[T, S, R]` and the basis `[T, R, D]`, `R` the smaller of S and D.
    """
    basis, coordinates = ops.qr(ops.swapaxes(inputs, 1, 2))
    return ops.swapaxes(coordinates, 1, 2), ops.swapaxes(basis, 1, 2)


def _products(inputs, weights):
    """Returns the products `[T, S, N]` of inputs and weights `[T, N, R]`."""
    return ops.matmul(inputs, ops.swapaxes(weights, 1, 2))


def _weighted_sums(weights, inputs):
    """Returns the sums `[T, N, R]` of inputs, weighted by `[T, S, N]`."""
    return ops.matmul(ops.swapaxes(weights, 1, 2), inputs)
