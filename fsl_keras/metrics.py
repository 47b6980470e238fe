"""Accuracy over episodes, and confidence intervals."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.typing import Tensor

# The 0.975 quantile of the standard normal distribution.
Z95 = 1.959963984540054


def mean_and_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Returns the mean of values and the half width of its 95% confidence interval.

    The interval is the normal approximation, 1.96 standard errors, as few-shot papers
    report it. It is 0 for a single value.

    Args:
        values: floats `[n]`.

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


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Returns the 95% Wilson score interval of a proportion.

    Unlike the normal approximation it is valid for few examples, and for proportions
    near 0 and 1.

    Args:
        count: integer, the number of successes.
        total: integer, the number of trials. With 0 trials both bounds are NaN.

    Returns:
        A pair of floats, the lower and the upper bound.

    Example:

    >>> tuple(round(bound, 3) for bound in wilson_interval(10, 10))
    (0.722, 1.0)
    """
    if total == 0:
        return math.nan, math.nan
    rate = count / total
    middle = (rate + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
    spread = Z95 * math.sqrt(rate * (1 - rate) / total + Z95**2 / (4 * total**2))
    spread /= 1 + Z95**2 / total
    return max(middle - spread, 0.0), min(middle + spread, 1.0)


@keras.saving.register_keras_serializable(package="fsl_keras")
class EpisodeAccuracy(keras.metrics.Metric):
    """Mean accuracy over episodes and the half width of its 95% interval.

    The accuracy of an episode is the fraction of its queries that are classified
    correctly, without padding. The result is a dictionary `{"accuracy",
    "accuracy_ci95"}`, where the interval is the normal approximation: 1.96 standard
    errors of the mean over episodes (0 for a single episode). Compile it as a weighted
    metric, so that it knows which queries are padding.

    Args:
        name: string. Callbacks that monitor `val_accuracy` find the metric by this
            name, and know from it that higher is better.
        dtype: optional, the dtype of its state.

    Example:

    >>> import numpy as np
    >>> metric = EpisodeAccuracy()
    >>> logits = np.eye(2)[None, [0, 1, 0, 1]]  # one episode of four queries
    >>> metric.update_state(np.array([[0, 1, 0, 1]]), logits)
    >>> metric.update_state(np.array([[0, 1, 1, 0]]), logits)
    >>> {name: round(float(value), 3) for name, value in metric.result().items()}
    {'accuracy': 0.75, 'accuracy_ci95': 0.49}
    """

    # Keras reads from here that higher is better, for callbacks that monitor it.
    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        zeros = keras.initializers.Zeros()
        # Sums, which add up over the replicas of a distribution strategy. Sums of
        # errors, as those of squared accuracies near one lose precision in float32.
        self.episodes = self.add_variable((), zeros, name="episodes")
        self.errors = self.add_variable((), zeros, name="errors")
        self.squares = self.add_variable((), zeros, name="squares")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
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

    def result(self) -> dict[str, Tensor]:
        """Returns `{"accuracy": ..., "accuracy_ci95": ...}`."""
        count = ops.maximum(self.episodes, 1)
        mean = self.errors / count
        deviation = ops.maximum(self.squares - count * ops.square(mean), 0)
        variance = deviation / ops.maximum(self.episodes - 1, 1)
        accuracy = ops.where(self.episodes > 0, 1 - mean, 0.0)
        return {"accuracy": accuracy, "accuracy_ci95": Z95 * ops.sqrt(variance / count)}
