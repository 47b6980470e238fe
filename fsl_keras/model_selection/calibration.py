"""Probabilities that mean what they say, and the answer "unknown"."""

import dataclasses
import math

import numpy as np

from fsl_keras.heads.head import is_absent
from fsl_keras.metrics import wilson_interval
from fsl_keras.model_selection.cross_validation import softmax


@dataclasses.dataclass
class Calibration:
    """How a classifier turns logits into probabilities and into "unknown".

    Attributes:
        temperature: float, by which logits are divided before the softmax.
        least_logit: float, below which the largest logit means "unknown"; None where
            the examples are too few for the rate that was asked for, and nothing is
            called unknown.
        false_reject_rate: float, the share of examples of known classes that may be
            called unknown.
        source: string, what it was found on.
        false_rejects: pair of integers: how many of how many examples of known
            classes were called unknown, each by a classifier and a calibration that
            had not seen it.
        false_accepts: the same of examples of unknown classes that were not called
            unknown.
        auroc: float, how well the largest logit tells known from unknown classes:
            0.5 is chance, 1 is always; NaN where there is nothing unknown.
        log_losses: pair of floats, the mean negative log probability of the right
            class before and after, of examples that were not seen.
    """

    temperature: float
    least_logit: float | None
    false_reject_rate: float
    source: str
    false_rejects: tuple = (0, 0)
    false_accepts: tuple = (0, 0)
    auroc: float = math.nan
    log_losses: tuple = (math.nan, math.nan)

    def __post_init__(self):
        # They come back from a file as lists.
        for name in ("false_rejects", "false_accepts", "log_losses"):
            setattr(self, name, tuple(getattr(self, name)))

    def __str__(self):
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


def check_rate(false_reject_rate):
    """Refuses what is no share of examples."""
    if not 0 < false_reject_rate < 1:
        raise ValueError(
            f"`false_reject_rate` is a share above 0 and below 1, such as 0.05. "
            f"Received: {false_reject_rate!r}"
        )


def fit(logits, labels, false_reject_rate):
    """Finds temperature and threshold on answers about unseen examples.

    Args:
        logits: float array `[n, N]`.
        labels: int array `[n]`, the right classes.
        false_reject_rate: float in (0, 1).

    Returns:
        A `Calibration`, of which only these are filled.

    Example:

    >>> logits = np.array([[4.0, 0.0], [3.0, 1.0], [0.0, 2.0], [1.0, 0.0]])
    >>> fit(logits, np.array([0, 0, 1, 1]), 0.25).least_logit
    1.0
    """
    check_rate(false_reject_rate)
    return Calibration(
        temperature_of(logits, labels),
        least_logit(np.max(logits, axis=-1), false_reject_rate),
        false_reject_rate,
        source=f"{len(labels)} examples",
    )


def least_logit(largest, false_reject_rate):
    """Returns the threshold below which at most a share of new examples fall.

    Of `n` examples as good as the new one, it falls below the `k`-th smallest with a
    probability of at most `k / (n + 1)`. None where even the smallest is too likely.

    Args:
        largest: float array `[n]`, the largest logit of each example.
        false_reject_rate: float in (0, 1).

    Example:

    >>> least_logit(np.arange(19.0), 0.1), least_logit(np.arange(19.0), 0.04)
    (1.0, None)
    """
    place = math.floor(false_reject_rate * (len(largest) + 1) + 1e-9)
    return float(np.sort(largest)[place - 1]) if place else None


def is_known(logits, least):
    """Says of which logits `[n, N]` the largest is not below a threshold."""
    return logits.max(axis=-1) >= (-math.inf if least is None else least)


def auroc(known, unknown):
    """Returns how likely a known example scores above an unknown one; ties are halves.

    Example:

    >>> auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    0.875
    """
    both = np.concatenate([known, unknown])
    _, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    least = len(known) * (len(known) + 1) / 2
    return float((ranks[: len(known)].sum() - least) / (len(known) * len(unknown)))


def log_losses(logits, labels, temperature=1.0):
    """Returns the negative log probability of the right class of each `[n]`."""
    right = softmax(np.asarray(logits, "float64") / temperature)
    return -np.log(np.maximum(right[np.arange(len(labels)), labels], 1e-12))


def temperature_of(logits, labels):
    """Returns the temperature of the least loss.

    As in Platt's scaling, a right class counts as `(n + 1) / (n + 2)` sure: where all
    of a few examples are right, the next one need not be.
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
        surprise = np.log(np.exp(scaled).sum(axis=-1, keepdims=True)) - scaled
        return (targets * surprise).sum(axis=-1).mean()

    # The loss has one minimum in the inverse of the temperature.
    low, high = math.log(1e-4), math.log(1e4)
    for _ in range(60):
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)
