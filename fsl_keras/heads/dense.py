"""A small neural network that is fitted to the support set."""

from typing import Any

import keras
from keras import ops

from fsl_keras.heads.adam import adam
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.linear import residuals_of
from fsl_keras.heads.support import presence, root_mean_square, with_ones
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class DenseHead(ExampleHead):
    """Scores a query by a network with one hidden layer, fitted by Adam.

    This is the usual classifier of transfer learning on a frozen backbone: a dense
    layer with ReLU and one with softmax. Each step uses the whole support set of every
    task. The weights of the first layer start at the same random values in every call
    and those of the second at zero, so the result is deterministic. Embeddings are
    first divided by the root mean square of their lengths. No gradient goes through
    the steps.

    Args:
        units: integer, the width of the hidden layer.
        steps: integer, steps of Adam.
        learning_rate: float.
        seed: integer, the seed of the initial weights of the hidden layer.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `units` or `steps` is below 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> logits = DenseHead()(support, labels, support)
    >>> np.asarray(ops.argmax(logits, axis=-1)).tolist()
    [[0, 0, 1]]
    """

    incremental = "refit"

    def __init__(
        self,
        units: int = 64,
        steps: int = 100,
        learning_rate: float = 1e-2,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if units < 1 or steps < 1:
            raise ValueError(
                f"`units` and `steps` must be at least 1. Received: units={units!r}, "
                f"steps={steps!r}"
            )
        self.units = units
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"hidden": [T, D + 1, U], "output": [T, U + 1, N], "present"}`.

        The last row of the weights of a layer is its biases.
        """
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        size = root_mean_square(support, labels)
        inputs, residuals = with_ones(support / size), residuals_of(labels)

        def gradient(weights):
            hidden, output = weights
            active = ops.relu(ops.matmul(inputs, hidden))
            errors = residuals(ops.matmul(with_ones(active), output))
            by_active = ops.matmul(errors, ops.swapaxes(output[:, :-1], 1, 2))
            by_hidden = ops.where(active > 0, by_active, 0.0)
            return _products(inputs, by_hidden), _products(with_ones(active), errors)

        hidden = self._initial_hidden(inputs)
        active = with_ones(ops.matmul(inputs, hidden))
        start = hidden, ops.zeros_like(_products(active, labels))
        hidden, output = adam(gradient, start, self.steps, self.learning_rate)
        hidden = ops.concatenate([hidden[:, :-1] / size, hidden[:, -1:]], axis=1)
        return {"hidden": hidden, "output": output, "present": presence(labels)}

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = with_ones(ops.cast(query, "float32"))
        active = ops.relu(ops.matmul(query, state["hidden"]))
        logits = ops.matmul(with_ones(active), state["output"])
        return self.mask_absent(logits, state["present"])

    def _initial_hidden(self, inputs):
        """Returns the initial weights `[T, D + 1, U]`, the same for all tasks."""
        length = inputs.shape[-1] - 1
        # The mean squared length of inputs is 1, so outputs have a variance of about 1.
        weights = keras.random.normal((length, self.units), seed=self.seed)
        weights = ops.concatenate([weights, ops.zeros((1, self.units))], axis=0)
        return weights + ops.zeros_like(inputs[:, :1, :1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
        }


def _products(inputs, errors):
    """Returns the gradient `[T, D, U]` of weights, from errors `[T, S, U]`."""
    return ops.matmul(ops.swapaxes(inputs, 1, 2), errors)
