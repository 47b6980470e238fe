"""Probabilities that mean what they say, and the answer "unknown"."""

import dataclasses
import math

import numpy as np

from fsl_keras.estimates.cross_validation import HeldOut, divide, softmax
from fsl_keras.metrics import wilson_interval

# Up to so many examples, or copies of one, are left out one after the other; more of
# them in so many parts. Twice over, each part with each other one.
PARTS = 32

QUANTILES = 201


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


@dataclasses.dataclass
class BaseCalibration:
    """A calibration found on classes that a learner was made with.

    It serves where there is one example a class, and leaving it out leaves nothing.

    Attributes:
        temperature: float, see `Calibration`.
        known: list of floats, the quantiles of the largest logit of examples of known
            classes, evenly spaced from 0 to 1.
        unknown: list of floats, the same of examples of unknown classes.
        examples: pair of integers, the number of examples of either.
        auroc: float, see `Calibration`.
        log_losses: pair of floats, see `Calibration`.
        source: string, what it was found on.
    """

    temperature: float
    known: list
    unknown: list
    examples: tuple
    auroc: float
    log_losses: tuple
    source: str

    def at(self, false_reject_rate):
        """Returns the `Calibration` for a false-reject rate, a float in (0, 1)."""
        check_rate(false_reject_rate)
        shares = np.linspace(0, 1, len(self.known))
        least = float(np.interp(false_reject_rate, shares, self.known))
        accepted = 1 - float(np.interp(least, self.unknown, shares))
        known, unknown = self.examples
        return Calibration(
            self.temperature,
            least,
            false_reject_rate,
            self.source,
            false_rejects=(round(false_reject_rate * known), known),
            false_accepts=(round(accepted * unknown), unknown),
            auroc=self.auroc,
            log_losses=tuple(self.log_losses),
        )


def calibrate_on_base_classes(
    learner, data, ways=5, shots=1, queries=15, episodes=200, seed=0
):
    """Calibrates a learner on episodes, for when there is one example a class.

    Each episode has twice as many classes as the learner gets to know; the others are
    the unknown ones. Put the result at `learner.base_calibration`, where `adapt`
    finds it.

    Args:
        learner: a learner.
        data: `ClassDataset` of classes that are not those to be learned later.
        ways: integer, the classes that are known in an episode.
        shots: integer, the examples of each.
        queries: integer, the queries of each class, known or unknown.
        episodes: integer, how many there are.
        seed: integer, of the episodes.

    Returns:
        A `BaseCalibration`.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> nothing = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(nothing)
    >>> angles = np.repeat(np.linspace(0, 3, 8), 6) + np.tile([0, 0.1], 24)
    >>> vectors = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    >>> data = fsl.ClassDataset.from_arrays(
    ...     vectors.astype("float32"), np.repeat(np.arange(8), 6))
    >>> found = calibrate_on_base_classes(learner, data, ways=3, queries=4, episodes=20)
    >>> learner.base_calibration = found
    >>> classifier = learner.adapt(
    ...     vectors[::6].astype("float32"), range(8), false_reject_rate=0.1)
    >>> classifier.calibration.source
    'arrays, 20 episodes of 3-way 1-shot, seed 0'
    """
    known, unknown, labels = [], [], []
    stream = data.episodes(2 * ways, shots, queries, seed=seed, count=episodes)
    for x, y in stream:
        # Without a label an example is padding, and its class one not known.
        support_labels = x["support_labels"][..., :ways]
        logits = learner({**x, "support_labels": support_labels}, training=False)
        logits, y = np.asarray(logits[0]), y[0].numpy()
        known.append(logits[y < ways])
        labels.append(y[y < ways])
        unknown.append(logits[y >= ways])
    known, unknown, labels = map(np.concatenate, (known, unknown, labels))
    temperature = temperature_of(known, labels)
    shares = np.linspace(0, 1, QUANTILES)
    return BaseCalibration(
        temperature,
        np.quantile(known.max(axis=-1), shares).tolist(),
        np.quantile(unknown.max(axis=-1), shares).tolist(),
        (len(known), len(unknown)),
        auroc(known.max(axis=-1), unknown.max(axis=-1)),
        tuple(
            float(log_losses(known, labels, value).mean()) for value in (1, temperature)
        ),
        f"{data.name}, {episodes} episodes of {ways}-way {shots}-shot, seed {seed}",
    )


def check_rate(false_reject_rate):
    """Refuses what is no share of examples."""
    if not 0 < false_reject_rate < 1:
        raise ValueError(
            f"`false_reject_rate` is a share above 0 and below 1, such as 0.05. "
            f"Received: {false_reject_rate!r}"
        )


def calibrate(learner, support, ways, false_reject_rate, negatives=None):
    """Calibrates a classifier by what it would say of examples it had not seen.

    Temperature and threshold are found on the answers about each example by a learner
    of the others. What they are worth is found by leaving out twice: false rejects on
    examples that neither the learner nor its calibration had seen, false accepts on
    the examples of classes that neither had seen, or on the negatives.

    Args:
        learner: a learner.
        support: `SupportSet` of the examples.
        ways: integer, the number of classes.
        false_reject_rate: float in (0, 1), the share of examples of known classes
            that may be called unknown.
        negatives: optional features `[m, *feature]` of what belongs to no class.

    Returns:
        A `Calibration`.

    Raises:
        ValueError: if no class has two examples that are no copies.
    """
    parts = divide(support.labels, support.groups, PARTS)
    held_out = HeldOut(learner, support, ways)
    logits, tested = held_out.without(parts)
    if not tested.any():
        raise ValueError(
            "Calibrating needs a class with two examples that are no copies of one "
            "another. Give more examples, or adapt a learner that has a "
            "`base_calibration` (`fsl_keras.estimates.calibrate_on_base_classes`)."
        )
    labels, largest = support.labels, logits[tested].max(axis=-1)
    calibration = fit(logits[tested], labels[tested], false_reject_rate)
    count = len(np.unique(parts))
    how = "leave-one-out" if count < PARTS else f"leaving out each of {count} parts"
    calibration.source = f"nested {how} of {len(support)} examples"
    if negatives is None:
        unknown, known = _of_unseen_classes(held_out, labels, parts, false_reject_rate)
    else:
        unknown = held_out.of_all(negatives)
        known = is_known(unknown, calibration.least_logit)
    calibration.false_accepts = int(known.sum()), len(known)
    if len(unknown):
        calibration.auroc = auroc(largest, unknown.max(axis=-1))
    _measure(calibration, held_out, labels, parts, logits, tested)
    return calibration


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
    ways = (logits > -1e8).sum(axis=-1, keepdims=True)  # of absent classes it is -1e9
    if (ways < 2).all():
        return 1.0
    doubt = 1 / (len(labels) + 2)
    targets = np.where(logits > -1e8, doubt / ways, 0.0)
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


def _measure(calibration, held_out, labels, parts, logits, tested):
    """Fills in what calibrations of the other parts are worth for each part.

    Args:
        logits: float array `[n, N]`, of the tested examples by all other parts.
        tested: bool array `[n]`.
    """
    rejected, before, after = [], [], []
    for number in np.unique(parts):
        asked = tested & (parts == number)
        inner, seen = held_out.without(parts, parts != number)
        if not (asked.any() and seen.any()):
            continue
        found = fit(inner[seen], labels[seen], calibration.false_reject_rate)
        rejected.extend(~is_known(logits[asked], found.least_logit))
        before.extend(log_losses(logits[asked], labels[asked]))
        after.extend(log_losses(logits[asked], labels[asked], found.temperature))
    if rejected:
        calibration.false_rejects = int(np.sum(rejected)), len(rejected)
        calibration.log_losses = float(np.mean(before)), float(np.mean(after))


def _of_unseen_classes(held_out, labels, parts, false_reject_rate):
    """Asks about the examples of each class a learner of the other classes.

    Returns:
        The logits `[m, N]`, and which of them are taken for known classes: a bool
        array `[m]`.
    """
    ways = held_out.ways
    unknown, known = [np.zeros((0, ways), "float32")], [np.zeros(0, bool)]
    left_out = labels % PARTS
    for number in np.unique(left_out):
        kept = left_out != number
        if not kept.any():
            break
        inner, seen = held_out.without(parts, kept)
        if seen.any():
            (logits,) = held_out.logits([(kept, np.flatnonzero(~kept))])
            least = least_logit(inner[seen].max(axis=-1), false_reject_rate)
            unknown.append(logits)
            known.append(is_known(logits, least))
    return np.concatenate(unknown), np.concatenate(known)
