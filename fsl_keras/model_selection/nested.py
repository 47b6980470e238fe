"""Leave-one-out calibration, evaluated by nested leave-one-out."""

import numpy as np

from fsl_keras.model_selection.calibration import (
    Calibration,
    auroc,
    fit,
    is_known,
    least_logit,
    log_losses,
)
from fsl_keras.model_selection.held_out import HeldOut, assign_folds
from fsl_keras.model_selection.support_set import SupportSet
from fsl_keras.typing import Model, Tensor

# The default numbers of folds. The time grows with their square and with examples times
# classes: above `MANY`, few folds keep it to seconds.
FOLDS, FEW_FOLDS, MANY = 32, 8, 100_000


def calibrate(
    learner: Model,
    support: SupportSet,
    ways: int,
    false_reject_rate: float,
    negatives: Tensor | None = None,
    n_splits: int | None = None,
) -> Calibration:
    """Calibrates a classifier by cross-validation on its own examples.

    Temperature and threshold are fitted on out-of-fold predictions. They are evaluated
    by nested cross-validation: false rejects on folds that neither the learner nor the
    calibration was fitted on, false accepts on classes that were left out of both, or
    on the negatives.

    Args:
        learner: a learner.
        support: `SupportSet` of the examples.
        ways: integer, the number of classes.
        false_reject_rate: float in (0, 1), the fraction of examples of known classes
            that may be rejected as "unknown".
        negatives: optional features `[m, *feature]` of images of no class.
        n_splits: optional integer, the maximum number of folds. If there are fewer
            examples, it is leave-one-out. Default: 32, or 8 if examples times classes
            are more than 100,000.

    Returns:
        A `Calibration`.

    Raises:
        ValueError: if no class has two examples that are not near duplicates.
    """
    if n_splits is None:
        n_splits = FOLDS if len(support) * ways <= MANY else FEW_FOLDS
    folds = assign_folds(support.labels, support.groups, n_splits)
    held_out = HeldOut(learner, support, ways)
    logits, tested = held_out.out_of_fold(folds)
    if not tested.any():
        raise ValueError(
            "Calibration needs a class with two examples that are not near duplicates. "
            "Provide more examples, or use a learner that has a `base_calibration` "
            "(`fsl_keras.model_selection.calibrate_on_base_classes`)."
        )
    labels, largest = support.labels, logits[tested].max(axis=-1)
    calibration = fit(logits[tested], labels[tested], false_reject_rate)
    count = len(np.unique(folds))
    how = "leave-one-out" if count < n_splits else f"{count}-fold cross-validation"
    calibration.source = f"nested {how} of {len(support)} examples"
    if negatives is None:
        unknown, known = _predict_unseen_classes(
            held_out, labels, folds, n_splits, false_reject_rate
        )
    else:
        unknown = held_out.predict_features(negatives)
        known = is_known(unknown, calibration.least_logit)
    calibration.false_accepts = int(known.sum()), len(known)
    if len(unknown):
        calibration.auroc = auroc(largest, unknown.max(axis=-1))
    _evaluate(calibration, held_out, labels, folds, logits, tested)
    return calibration


def _evaluate(calibration, held_out, labels, folds, logits, tested):
    """Sets false rejects and log losses, for each fold by a calibration of the others.

    Args:
        logits: float array `[n, N]`, the out-of-fold logits.
        tested: bool array `[n]`, the examples that have logits.
    """
    rejected, before, after = [], [], []
    for fold in np.unique(folds):
        queries = tested & (folds == fold)
        inner, seen = held_out.out_of_fold(folds, folds != fold)
        if not (queries.any() and seen.any()):
            continue
        found = fit(inner[seen], labels[seen], calibration.false_reject_rate)
        rejected.extend(~is_known(logits[queries], found.least_logit))
        before.extend(log_losses(logits[queries], labels[queries]))
        after.extend(log_losses(logits[queries], labels[queries], found.temperature))
    if rejected:
        calibration.false_rejects = int(np.sum(rejected)), len(rejected)
        calibration.log_losses = float(np.mean(before)), float(np.mean(after))


def _predict_unseen_classes(held_out, labels, folds, n_splits, false_reject_rate):
    """Predicts the examples of each class with a learner of the other classes.

    Returns:
        The logits `[m, N]`, and a bool array `[m]` of those that are not rejected.
    """
    ways = held_out.ways
    unknown, known = [np.zeros((0, ways), "float32")], [np.zeros(0, bool)]
    class_folds = labels % n_splits
    for fold in np.unique(class_folds):
        kept = class_folds != fold
        if not kept.any():
            break
        left_out = np.unique(labels[~kept])
        inner, seen = held_out.out_of_fold(folds, kept, left_out)
        if seen.any():
            (logits,) = held_out.predict([(kept, np.flatnonzero(~kept))], left_out)
            least = least_logit(inner[seen].max(axis=-1), false_reject_rate)
            unknown.append(logits)
            known.append(is_known(logits, least))
    return np.concatenate(unknown), np.concatenate(known)
