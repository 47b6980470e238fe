"""Calibration by leaving out each example, and its worth by leaving out twice."""

import numpy as np

from fsl_keras.model_selection.calibration import (
    auroc,
    fit,
    is_known,
    least_logit,
    log_losses,
)
from fsl_keras.model_selection.cross_validation import HeldOut, divide

# Up to so many examples, or copies of one, are left out one after the other; more of
# them in so many parts. Twice over, each part with each other one. Where there are many
# classes as well, fewer parts keep it to seconds.
PARTS, FEW_PARTS, MANY = 32, 8, 100_000


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
    most = PARTS if len(support) * ways <= MANY else FEW_PARTS
    parts = divide(support.labels, support.groups, most)
    held_out = HeldOut(learner, support, ways)
    logits, tested = held_out.without(parts)
    if not tested.any():
        raise ValueError(
            "Calibrating needs a class with two examples that are no copies of one "
            "another. Give more examples, or adapt a learner that has a "
            "`base_calibration` "
            "(`fsl_keras.model_selection.calibrate_on_base_classes`)."
        )
    labels, largest = support.labels, logits[tested].max(axis=-1)
    calibration = fit(logits[tested], labels[tested], false_reject_rate)
    count = len(np.unique(parts))
    how = "leave-one-out" if count < most else f"leaving out each of {count} parts"
    calibration.source = f"nested {how} of {len(support)} examples"
    if negatives is None:
        unknown, known = _of_unseen_classes(
            held_out, labels, parts, most, false_reject_rate
        )
    else:
        unknown = held_out.of_all(negatives)
        known = is_known(unknown, calibration.least_logit)
    calibration.false_accepts = int(known.sum()), len(known)
    if len(unknown):
        calibration.auroc = auroc(largest, unknown.max(axis=-1))
    _measure(calibration, held_out, labels, parts, logits, tested)
    return calibration


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


def _of_unseen_classes(held_out, labels, parts, most, false_reject_rate):
    """Asks about the examples of each class a learner of the other classes.

    Returns:
        The logits `[m, N]`, and which of them are taken for known classes: a bool
        array `[m]`.
    """
    ways = held_out.ways
    unknown, known = [np.zeros((0, ways), "float32")], [np.zeros(0, bool)]
    left_out = labels % most
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
