"""A small neural network that is fitted to the support set."""

import keras
from keras import ops

from fsl_keras.heads.adam import adam
from fsl_keras.heads.examples import ExampleHead, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.linear import residuals_of, root_mean_square


@keras.saving.register_keras_serializable(package="fsl_keras")
class DenseHead(ExampleHead):
    """Fits a network of one hidden layer to the support set, by Adam.

    It is what transfer learning usually puts on top of a frozen backbone: a layer of
    units with a ReLU, and one with a softmax. Each step sees the whole support set of
    every task, and the first layer begins at the same random weights at every call,
    the second at zero, so the answer to the same support set is always the same.
    Embeddings are first divided by the root mean square of their lengths. No gradient
    goes through the steps.

    Args:
        units: integer, the width of the hidden layer.
        steps: integer, steps of Adam.
        learning_rate: float.
        seed: integer, of the first weights of the hidden layer.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if units or steps are below 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> logits = DenseHead()(support, labels, support)
    >>> np.asarray(ops.argmax(logits, axis=-1)).tolist()
    [[0, 0, 1]]
    """

    incremental = "refit"

    def __init__(self, units=64, steps=100, learning_rate=1e-2, seed=0, **kwargs):
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

    def prepare(self, memory):
        """Returns `{"hidden": [T, D + 1, U], "output": [T, U + 1, N], "present"}`.

        The last row of the weights of a layer is its biases.
        """
        labels = memory["labels"]
        support = ops.stop_gradient(memory["support"])
        size = root_mean_square(support, labels)
        inputs, residuals = _with_ones(support / size), residuals_of(labels)

        def slope(weights):
            hidden, output = weights
            active = ops.relu(ops.matmul(inputs, hidden))
            errors = residuals(ops.matmul(_with_ones(active), output))
            pull = ops.matmul(errors, ops.swapaxes(output[:, :-1], 1, 2))
            pull = ops.where(active > 0, pull, 0.0)
            return _summed(inputs, pull), _summed(_with_ones(active), errors)

        hidden = self._first_hidden(inputs)
        output = ops.zeros_like(_summed(_with_ones(ops.matmul(inputs, hidden)), labels))
        start = hidden, output
        hidden, output = adam(slope, start, self.steps, self.learning_rate)
        hidden = ops.concatenate([hidden[:, :-1] / size, hidden[:, -1:]], axis=1)
        return {"hidden": hidden, "output": output, "present": presence(labels)}

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = _with_ones(ops.cast(query, "float32"))
        active = ops.relu(ops.matmul(query, state["hidden"]))
        logits = ops.matmul(_with_ones(active), state["output"])
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def _first_hidden(self, inputs):
        """Returns the weights `[T, D + 1, U]` to begin at, the same for all tasks."""
        length = inputs.shape[-1] - 1
        # Inputs have a mean square of 1 in length, so these give outputs of about 1.
        weights = keras.random.normal((length, self.units), seed=self.seed)
        weights = ops.concatenate([weights, ops.zeros((1, self.units))], axis=0)
        return weights + ops.zeros_like(inputs[:, :1, :1])

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
        }


def _with_ones(inputs):
    """Appends an input that is always one, whose weights are the biases."""
    return ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)


def _summed(inputs, amounts):
    """Returns the sums `[T, D, N]` of inputs, each as often as `[T, S, N]` says."""
    return ops.matmul(ops.swapaxes(inputs, 1, 2), amounts)
