"""Accuracy over episodes, with its confidence interval."""

import math

import keras
import numpy as np
from keras import ops

from fsl_keras.typing import Tensor

# A normal 95% interval of a mean, as the few-shot papers report it.
Z95 = 1.959963984540054


def wilson_interval(count, total):
    """Returns the 95% interval of a share, a pair, by Wilson's formula.

    It holds for few examples too, where the share may be 0 or 1.

    Example:

    >>> tuple(round(bound, 3) for bound in wilson_interval(10, 10))
    (0.722, 1.0)
    """
    if total == 0:
        return math.nan, math.nan
    share = count / total
    middle = (share + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
    spread = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    spread /= 1 + Z95**2 / total
    return max(middle - spread, 0.0), min(middle + spread, 1.0)


def mean_and_interval(values: Tensor) -> tuple[float, float]:
    """Returns the mean of values and the half width of its normal 95% interval.

    Example:

    >>> mean, interval = mean_and_interval([0.8, 0.9, 1.0, 0.9])
    >>> round(mean, 3), round(interval, 3)
    (0.9, 0.08)
    """
    values = np.asarray(values, "float64")
    if len(values) < 2:
        return float(values.mean()), 0.0
    error = values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(Z95 * error)


@keras.saving.register_keras_serializable(package="fsl_keras")
class EpisodeAccuracy(keras.metrics.Metric):
    """Mean accuracy over episodes and the half width of its 95% interval.

    The accuracy of an episode is the share of its queries that are classified
    right, padding left out. The result is a dictionary `{"accuracy",
    "accuracy_ci95"}`, where the interval is 1.96 standard errors of the mean over
    episodes (0 while there is only one). Compile it as a weighted metric, so that
    it sees which queries are padding.

    Args:
        name: string. Callbacks that monitor `val_accuracy` find the metric, and with
            it which way is better, by this name.
        dtype: the dtype of its state.

    Example:

    >>> import numpy as np
    >>> metric = EpisodeAccuracy()
    >>> logits = np.eye(2)[None, [0, 1, 0, 1]]  # one episode of four queries
    >>> metric.update_state(np.array([[0, 1, 0, 1]]), logits)
    >>> metric.update_state(np.array([[0, 1, 1, 0]]), logits)
    >>> {name: round(float(value), 3) for name, value in metric.result().items()}
    {'accuracy': 0.75, 'accuracy_ci95': 0.49}
    """

    # Keras reads which way is better from here, for callbacks that monitor it.
    _direction = "up"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        zeros = keras.initializers.Zeros()
        # Sums, so that the replicas of a distribution strategy add up; of errors and
        # not of accuracies, whose squares would lose the interval in float32 when
        # they are all close to one.
        self.episodes = self.add_variable((), zeros, name="episodes")
        self.errors = self.add_variable((), zeros, name="errors")
        self.squares = self.add_variable((), zeros, name="squares")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the episodes of one batch.

        Args:
            y_true: integers `[T, M]`.
            y_pred: logits or probabilities `[T, M, N]`.
            sample_weight: optional floats `[T, M]`, 0 at padding.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        right = ops.equal(ops.cast(y_true, "int32"), ops.argmax(y_pred, axis=-1))
        right = ops.cast(right, self.dtype)
        weight = ops.ones_like(right)
        if sample_weight is not None:
            weight = ops.cast(ops.not_equal(sample_weight, 0), self.dtype)
            weight = ops.broadcast_to(weight, ops.shape(right))
        error = ops.sum((1 - right) * weight, axis=-1) / ops.sum(weight, axis=-1)
        count = ops.cast(ops.shape(error)[0], self.dtype)
        self.episodes.assign(self.episodes + count)
        self.errors.assign(self.errors + ops.sum(error))
        self.squares.assign(self.squares + ops.sum(ops.square(error)))

    def result(self):
        """Returns `{"accuracy": ..., "accuracy_ci95": ...}`."""
        count = ops.maximum(self.episodes, 1)
        mean = self.errors / count
        deviation = ops.maximum(self.squares - count * ops.square(mean), 0)
        variance = deviation / ops.maximum(self.episodes - 1, 1)
        accuracy = ops.where(self.episodes > 0, 1 - mean, 0.0)
        return {"accuracy": accuracy, "accuracy_ci95": Z95 * ops.sqrt(variance / count)}
