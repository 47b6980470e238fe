"""The weights of two classifiers by leave-one-out on their examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras.classifier.adaptation import support_set_for
from fsl_keras.classifier.stored_features import add_descriptions
from fsl_keras.model_selection import SupportSet
from fsl_keras.model_selection.held_out import HeldOut, assign_folds
from fsl_keras.multimodal.fusion import Fusion
from fsl_keras.multimodal.pairs import feature_batches
from fsl_keras.typing import Model

# The most folds of more examples: as in `model_selection.leave_one_out`.
MAX_WORK, FEW_FOLDS = 1e8, 20


def fit_to_examples(
    classifiers: Sequence[Model], items: tuple[Any, Any], labels: np.ndarray
) -> Fusion | None:
    """Fits a `Fusion` to the examples of two classifiers by leave-one-out.

    An example is left out of both classifiers at once. Where both of its parts are near
    duplicates of those of another one, the two are left out together.

    Args:
        classifiers: pair of `FewShotClassifier` of the examples.
        items: pair of the examples, see `pair_of`.
        labels: integer array `[n]`.

    Returns:
        A `Fusion`, or None if no class has an example that can be left out.
    """
    ways = len(classifiers[0].class_names)
    if ways < 2 or np.bincount(labels).max() < 2:
        return None
    supports = [
        _support_set(classifier, some, labels)
        for classifier, some in zip(classifiers, items, strict=True)
    ]
    # Files that cannot be read are missing in one of the two.
    rows = np.intersect1d(supports[0].rows, supports[1].rows)
    places = [np.searchsorted(support.rows, rows) for support in supports]
    groups = np.stack(
        [part.groups[place] for part, place in zip(supports, places, strict=True)]
    )
    groups = np.unique(groups, axis=1, return_inverse=True)[1].ravel()
    count = len(rows)
    n_splits = count if count**2 * ways <= MAX_WORK else FEW_FOLDS
    folds = assign_folds(labels[rows], groups, n_splits)
    found = []
    for classifier, part, place in zip(classifiers, supports, places, strict=True):
        own = np.full(len(part), -1)
        own[place] = folds
        held_out = HeldOut(classifier.learner, part, ways)
        logits, tested = held_out.out_of_fold(own, own >= 0)
        found.append((logits[place], tested[place]))
    (first, tested), (second, also_tested) = found
    tested = np.logical_and(tested, also_tested)
    if not tested.any():
        return None
    how = "leave-one-out" if n_splits == count else f"{n_splits}-fold cross-validation"
    return Fusion.fitted(
        first[tested],
        second[tested],
        labels[rows][tested],
        f"{how} of {tested.sum()} examples",
    )


def _support_set(classifier, items, labels) -> SupportSet:
    support, learner = support_set_for(classifier.class_names), classifier.learner
    for some, rows, features in feature_batches(classifier, items, []):
        images = some if learner.takes_images else None
        texts = some if learner.item_kind == "text" else None
        support.add(features, labels[rows], rows, images, texts=texts)
    add_descriptions(classifier, support)
    return support
