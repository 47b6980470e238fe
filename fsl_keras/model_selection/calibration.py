"""Calibrated probabilities and the answer "unknown"."""

import dataclasses
import math

import numpy as np

from fsl_keras.heads.head import is_absent
from fsl_keras.metrics import wilson_interval
from fsl_keras.model_selection.held_out import softmax
from fsl_keras.typing import Tensor


@dataclasses.dataclass
class Calibration:
    """How a classifier turns logits into probabilities and into "unknown".

    Attributes:
        temperature: float, divides the logits before the softmax (temperature scaling,
            [Guo et al., 2017](https://arxiv.org/abs/1706.04599)).
        least_logit: float, the prediction is "unknown" if the largest logit is below
            it. None if there are too few examples for `false_reject_rate`: then
            nothing is rejected.
        false_reject_rate: float, the fraction of examples of known classes that may be
            rejected as "unknown".
        source: string, the examples and the method.
        false_rejects: pair of integers: how many examples of known classes were
            rejected, and how many there were. Neither the classifier nor its
            calibration was fitted on them.
        false_accepts: pair of integers: how many examples of unknown classes were not
            rejected, and how many there were.
        auroc: float, the area under the ROC curve of the largest logit as a score of
            known against unknown classes: 0.5 is chance, 1 is perfect. NaN without
            examples of unknown classes.
        log_losses: pair of floats, the mean negative log probability of the right
            class before and after calibration, on examples as for `false_rejects`.
        right_probabilities: list of floats, the probabilities of the right classes of
            held-out examples, from which `predict_sets` has its threshold. None if
            the calibration is not on examples of these classes.
    """

    temperature: float
    least_logit: float | None
    false_reject_rate: float
    source: str
    false_rejects: tuple[int, int] = (0, 0)
    false_accepts: tuple[int, int] = (0, 0)
    auroc: float = math.nan
    log_losses: tuple[float, float] = (math.nan, math.nan)
    right_probabilities: list[float] | None = None

    def __post_init__(self):
        # A file stores them as lists.
        for name in ("false_rejects", "false_accepts", "log_losses"):
            setattr(self, name, tuple(getattr(self, name)))

    def __str__(self) -> str:
        lines = [f"Calibrated by {self.source}"]
        if self.least_logit is None:
            least = f"{100 * self.false_reject_rate:g} %"
            lines.append(f'too few examples for a rate of {least}: no "unknown"')
        for name, (count, total) in (
            ("false rejects", self.false_rejects),
            ("false accepts", self.false_accepts),
        ):
            if total:
                low, high = (100 * bound for bound in wilson_interval(count, total))
                lines.append(
                    f"{name} {100 * count / total:.1f} % ({low:.1f} to {high:.1f}, "
                    f"{total} examples)"
                )
        if not math.isnan(self.auroc):
            lines.append(f"AUROC of unknown classes {self.auroc:.3f}")
        if not math.isnan(self.log_losses[0]):
            before, after = self.log_losses
            lines.append(f"log loss {after:.3f}, {before:.3f} uncalibrated")
        return "; ".join(lines)


def check_rate(false_reject_rate: float) -> None:
    """Raises an error if a rate is not between 0 and 1."""
    if not 0 < false_reject_rate < 1:
        raise ValueError(
            f"`false_reject_rate` must be between 0 and 1, exclusive, such as 0.05. "
            f"Received: false_reject_rate={false_reject_rate!r}"
        )


def fit(logits: Tensor, labels: Tensor, false_reject_rate: float) -> Calibration:
    """Fits temperature and threshold on the logits of held-out examples.

    Args:
        logits: float array `[n, N]`.
        labels: integer array `[n]`, the right classes.
        false_reject_rate: float in (0, 1).

    Returns:
        A `Calibration` without the figures of its evaluation.

    Example:

    >>> logits = np.array([[4.0, 0.0], [3.0, 1.0], [0.0, 2.0], [1.0, 0.0]])
    >>> fit(logits, np.array([0, 0, 1, 1]), 0.25).least_logit
    1.0
    """
    check_rate(false_reject_rate)
    temperature = temperature_of(logits, labels)
    right = np.exp(-log_losses(logits, labels, temperature))
    return Calibration(
        temperature,
        least_logit(np.max(logits, axis=-1), false_reject_rate),
        false_reject_rate,
        source=f"{len(labels)} examples",
        right_probabilities=np.sort(right).tolist(),
    )


def least_logit(largest: Tensor, false_reject_rate: float) -> float | None:
    """Returns the split-conformal quantile of the largest logits.

    A new example that is exchangeable with the `n` given ones is below the `k`-th
    smallest of them with a probability of at most `k / (n + 1)` (see
    [Angelopoulos and Bates, 2021](https://arxiv.org/abs/2107.07511)).

    Args:
        largest: float array `[n]`, the largest logit of each held-out example.
        false_reject_rate: float in (0, 1).

    Returns:
        The largest of the logits with a probability of at most `false_reject_rate`, or
        None if there is none.

    Example:

    >>> least_logit(np.arange(19.0), 0.1), least_logit(np.arange(19.0), 0.04)
    (1.0, None)
    """
    place = math.floor(false_reject_rate * (len(largest) + 1) + 1e-9)
    return float(np.sort(largest)[place - 1]) if place else None


def is_known(logits: Tensor, least: float | None) -> np.ndarray:
    """Returns which logits `[n, N]` have a maximum that is not below a threshold."""
    return logits.max(axis=-1) >= (-math.inf if least is None else least)


def auroc(known: Tensor, unknown: Tensor) -> float:
    """Returns the area under the ROC curve, from the Mann-Whitney U statistic.

    Args:
        known: float array `[n]`, the scores of examples of known classes.
        unknown: float array `[m]`, the scores of examples of unknown classes.

    Returns:
        The probability that a known example has the higher score; a tie is 0.5.

    Example:

    >>> auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    0.875
    """
    both = np.concatenate([known, unknown])
    _, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    least = len(known) * (len(known) + 1) / 2
    return float((ranks[: len(known)].sum() - least) / (len(known) * len(unknown)))


def log_losses(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> np.ndarray:
    """Returns the negative log probabilities `[n]` of the right classes."""
    right = softmax(np.asarray(logits, "float64") / temperature)
    return -np.log(np.maximum(right[np.arange(len(labels)), labels], 1e-12))


def temperature_of(logits: Tensor, labels: Tensor) -> float:
    """Fits the temperature of temperature scaling by minimum log loss.

    The targets are smoothed as in Platt scaling: the right class has a probability of
    `(n + 1) / (n + 2)`, and the rest is shared by all classes. Otherwise the
    temperature of a few examples that are all predicted right would be zero.

    Args:
        logits: float array `[n, N]` of held-out examples.
        labels: integer array `[n]`, the right classes.

    Returns:
        A float from 1e-4 to 1e4, 1.0 if there are no two classes.
    """
    logits = np.asarray(logits, "float64")
    present = ~is_absent(logits)
    ways = present.sum(axis=-1, keepdims=True)
    if (ways < 2).all():
        return 1.0
    doubt = 1 / (len(labels) + 2)
    targets = np.where(present, doubt / ways, 0.0)
    targets[np.arange(len(labels)), labels] += 1 - doubt
    logits = np.maximum(logits, logits.max(axis=-1, keepdims=True) - 1e4)

    def loss(log_temperature):
        scaled = logits / math.exp(log_temperature)
        scaled -= scaled.max(axis=-1, keepdims=True)
        losses = np.log(np.exp(scaled).sum(axis=-1, keepdims=True)) - scaled
        return (targets * losses).sum(axis=-1).mean()

    # Convex in the inverse temperature, so that ternary search finds the minimum.
    low, high = math.log(1e-4), math.log(1e4)
    for _ in range(60):
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)
