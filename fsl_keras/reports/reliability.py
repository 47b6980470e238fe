"""Calibration curves."""

import dataclasses

import numpy as np

BINS = 10


@dataclasses.dataclass(frozen=True)
class Bin:
    """The predictions whose probability is in an interval.

    Attributes:
        low: float, the lower bound of the interval.
        high: float, the upper bound.
        count: integer, the number of predictions.
        confidence: float, their mean probability.
        accuracy: float, the fraction that is right.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_curve(confidences: np.ndarray, right: np.ndarray) -> list[Bin]:
    """Returns the accuracy of predictions by their probability, without empty bins.

    Args:
        confidences: float array `[n]` in [0, 1].
        right: bool array `[n]`, which predictions are right.

    Example:

    >>> curve = calibration_curve(np.array([0.95, 0.99, 0.31]), np.array([1, 0, 1]))
    >>> [(bin.count, bin.accuracy) for bin in curve]
    [(1, 1.0), (2, 0.5)]
    """
    numbers = np.minimum((confidences * BINS).astype(int), BINS - 1)
    curve = []
    for number in np.unique(numbers):
        own = numbers == number
        curve.append(
            Bin(
                number / BINS,
                (number + 1) / BINS,
                int(own.sum()),
                float(confidences[own].mean()),
                float(right[own].mean()),
            )
        )
    return curve


def calibration_error(curve: list[Bin]) -> float:
    """Returns the expected calibration error (ECE) of a calibration curve.

    It is the mean difference of confidence and accuracy, weighted by predictions; see
    [Guo et al., 2017](https://arxiv.org/abs/1706.04599).
    """
    total = sum(bin.count for bin in curve)
    gaps = [bin.count * abs(bin.confidence - bin.accuracy) for bin in curve]
    return sum(gaps) / total if total else 0.0
