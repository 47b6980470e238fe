"""A linear classifier that is fitted to the support set."""

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead, balanced_weights, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.layers.unit_length import to_unit_length

DISTANCES = ("linear", "cosine")
MOMENTUM = 0.9
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class LinearHead(ExampleHead):
    """Fits a linear classifier to the support set and scores queries by it.

    Gradient steps with momentum lower the mean cross-entropy of the support set plus
    `weight_decay / 2` times the squared weights. All classes count the same in the
    mean, however many examples they have. All tasks of a batch take them
    together, and each step sees the whole support set: the answer is the same at
    every call, whatever the order of the examples, the padding and the other tasks.
    The paper's recipe, batches of four in random order from random weights, takes ten
    times as long and is no more accurate. Embeddings are first divided by the root
    mean square of their lengths, so that the same steps suit every backbone. No
    gradient goes through the steps to the support set.

    With `"cosine"` a logit is the cosine similarity to the weights of the class times
    the temperature, which is fixed, and the steps begin at the means of the classes;
    otherwise they begin at zero.

    Reference:

    - Baseline and Baseline++: [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        distance: `"linear"` or `"cosine"`.
        steps: integer, gradient steps.
        learning_rate: float, the size of a step.
        weight_decay: float. With `"cosine"` it turns no weights, and only makes later
            steps larger.
        temperature: float, the factor of cosine similarities. Unused with
            `"linear"`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `distance` is none of the two.

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
        distance="linear",
        steps=100,
        learning_rate=1.0,
        weight_decay=1e-3,
        temperature=10.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if distance not in DISTANCES:
            raise ValueError(
                f"`distance` must be one of {DISTANCES}. Received: "
                f"distance={distance!r}"
            )
        self.distance = distance
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.temperature = temperature
        self.built = True

    def prepare(self, memory):
        """Returns `{"weights": [T, N, D], "biases": [T, N], "present": [T, N]}`."""
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        if self.distance == "cosine":
            weights = self._fit_cosine(ops.normalize(support, axis=-1), labels)
            biases = ops.zeros_like(labels[:, 0])
        else:
            size = root_mean_square(support, labels)
            weights, biases = self._fit_linear(support / size, labels)
            weights = weights / size
        return {"weights": weights, "biases": biases, "present": presence(labels)}

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        if self.distance == "cosine":
            query = to_unit_length(query)
        logits = ops.einsum("tmd,tnd->tmn", query, state["weights"])
        logits = logits + state["biases"][:, None, :]
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def _fit_linear(self, inputs, labels):
        """Returns the weights `[T, N, D]` and biases `[T, N]` after all steps."""
        # Biases are the weights of an input that is always one.
        inputs = ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)
        inputs, basis = _reduced(inputs)
        residuals = residuals_of(labels, balanced_weights(labels))

        def gradient(weights):
            return _summed(residuals(_logits(inputs, weights)), inputs)

        start = ops.zeros_like(_summed(labels, inputs))
        weights = self._descend(gradient, start, self.learning_rate)
        weights = ops.matmul(weights, basis)
        return weights[..., :-1], weights[..., -1]

    def _fit_cosine(self, inputs, labels):
        """Returns the weights `[T, N, D]`, as long as the temperature."""
        inputs, basis = _reduced(inputs)
        residuals = residuals_of(labels, balanced_weights(labels))

        def gradient(weights):
            squares = ops.sum(ops.square(weights), axis=-1, keepdims=True)
            inverse = ops.rsqrt(ops.maximum(squares, EPSILON))
            directions = inverse * weights
            errors = residuals(self.temperature * _logits(inputs, directions))
            pull = _summed(errors, inputs)
            # Less the part along the weights, which turns no angle.
            along = ops.sum(pull * directions, axis=-1, keepdims=True)
            return self.temperature * inverse * (pull - along * directions)

        counts = ops.maximum(ops.sum(labels, axis=1), 1.0)[..., None]
        # The curvature of the loss grows with the square of the temperature.
        rate = self.learning_rate / self.temperature**2
        weights = self._descend(gradient, _summed(labels, inputs) / counts, rate)
        return self.temperature * ops.normalize(ops.matmul(weights, basis), axis=-1)

    def _descend(self, gradient, weights, rate):
        """Returns the weights after all steps with momentum."""

        def step(_, carry):
            weights, velocity = carry
            slope = gradient(weights) + self.weight_decay * weights
            velocity = MOMENTUM * velocity + slope
            return weights - rate * velocity, velocity

        start = (weights, ops.zeros_like(weights))
        return ops.fori_loop(0, self.steps, step, start)[0]

    def get_config(self):
        return {
            **super().get_config(),
            "distance": self.distance,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "temperature": self.temperature,
        }


def _reduced(inputs):
    """Returns the same inputs in fewer numbers, where they are few.

    Weights that begin as sums of the inputs stay so, and gradient steps do not mind
    which axes they are taken along: those of the inputs' own span do.

    Returns:
        The inputs `[T, S, R]` and the axes `[T, R, D]`, `R` the smaller of S and D.
    """
    axes, coordinates = ops.qr(ops.swapaxes(inputs, 1, 2))
    return ops.swapaxes(coordinates, 1, 2), ops.swapaxes(axes, 1, 2)


def _logits(inputs, weights):
    """Returns the products `[T, S, N]` of inputs and weights `[T, N, R]`."""
    return ops.matmul(inputs, ops.swapaxes(weights, 1, 2))


def _summed(amounts, inputs):
    """Returns the sums `[T, N, R]` of inputs, each as often as `[T, S, N]` says."""
    return ops.matmul(ops.swapaxes(amounts, 1, 2), inputs)


def residuals_of(labels, weights=None):
    """Returns the gradient of the mean cross-entropy as a function of logits.

    Args:
        labels: one-hot float32 `[T, S, N]`, zeros at padding.
        weights: optional float32 `[T, S, 1]`, how much each example counts in the mean.
    """
    absent = ops.where(presence(labels)[:, None, :] > 0, 0.0, ABSENT)
    is_real = ops.max(labels, axis=-1, keepdims=True)
    count = ops.maximum(ops.sum(is_real, axis=1, keepdims=True), 1.0)
    part = (is_real if weights is None else weights) / count

    def residuals(logits):
        # `ops.softmax` warns of a single class, `ops.log_softmax` does not.
        probabilities = ops.exp(ops.log_softmax(logits + absent, axis=-1))
        return part * (probabilities - labels)

    return residuals


def root_mean_square(support, labels):
    """Returns the root mean square `[T, 1, 1]` of the lengths of examples."""
    is_real = ops.max(labels, axis=-1)
    squares = is_real * ops.sum(ops.square(support), axis=-1)
    mean = ops.sum(squares, axis=-1) / ops.maximum(ops.sum(is_real, axis=-1), 1.0)
    return ops.sqrt(ops.maximum(mean, EPSILON))[:, None, None]
