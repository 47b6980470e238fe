"""Predictions of a classifier, as class names with probabilities."""

import numbers
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from fsl_keras import inputs
from fsl_keras.classifier.indexed_classes import MOST_FROM_INDEX, indexed_top
from fsl_keras.typing import Model, Tensor

UNKNOWN = "unknown"

# The number of logits that are computed at a time (64 MB in float32), where only the
# most probable classes are wanted.
MOST_LOGITS = 2**24


class ClassPrediction(NamedTuple):
    """The prediction for one item: class name, confidence and all probabilities.

    Attributes:
        class_name: string, the most probable class, or `"unknown"`.
        probability: float, the probability of the most probable class.
        probabilities: dictionary from class name to probability: of all classes in
            their order, or with `predict_classes(..., top=k)` of the `k` most probable
            ones, the most probable first.

    Example:

    >>> from fsl_keras.classifier.predictions import ClassPrediction
    >>> prediction = ClassPrediction("heron", 0.9, {"egret": 0.1, "heron": 0.9})
    >>> prediction.class_name
    'heron'
    >>> prediction.top(2)
    [('heron', 0.9), ('egret', 0.1)]
    """

    class_name: str
    probability: float
    probabilities: dict[str, float]

    @classmethod
    def of(
        cls,
        probabilities: np.ndarray,
        class_names: Sequence[str],
        is_known: bool = True,
    ) -> "ClassPrediction":
        """Makes the prediction from probabilities.

        Args:
            probabilities: float array `[N]`.
            class_names: list of `N` strings.
            is_known: bool, False to predict `"unknown"`.
        """
        best = int(probabilities.argmax())
        probability = float(probabilities[best])
        name = class_names[best] if is_known else UNKNOWN
        each = dict(zip(class_names, map(float, probabilities), strict=True))
        return cls(name, probability, each)

    def top(self, k: int) -> list[tuple[str, float]]:
        """Returns the most probable classes.

        Args:
            k: integer, the maximum number of classes.

        Returns:
            A list of pairs `(class name, probability)`, the most probable first,
            without "unknown". Classes of equal probability keep the order of the
            classifier.
        """
        if not isinstance(k, numbers.Integral) or k < 1:
            raise ValueError(f"`k` must be an integer of at least 1. Received: k={k!r}")
        pairs = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        return pairs[:k]


class Predicted(NamedTuple):
    """The predictions for images of which some cannot be read.

    Attributes:
        predictions: list of `ClassPrediction`.
        rows: list of integers, the index of each among all images.
        sources: list of the path or index of all images.
        skipped: list of pairs `(path, reason)` of those that cannot be read.
    """

    predictions: list[ClassPrediction]
    rows: list[int]
    sources: list
    skipped: list


def predict_elements(
    classifier: Model,
    elements: inputs.Elements,
    skip_errors: bool = True,
    top: int | None = None,
) -> Predicted:
    """Predicts the classes of elements, in batches of bounded size.

    Args:
        classifier: a `FewShotClassifier`.
        elements: `inputs.Elements`.
        skip_errors: bool, whether to skip files that cannot be read. Otherwise they
            raise an error.
        top: optional integer, the number of classes that each prediction has.

    Returns:
        A `Predicted`.
    """
    found = Predicted([], [], [], [])
    size = inputs.batch_size(classifier.learner.item_shape)
    batches = inputs.item_batches(
        elements, classifier.preprocessing, size, found.skipped, found.sources
    )
    with classifier.pinned():
        for items, rows in batches:
            if not skip_errors:
                inputs.check_all_read(found.skipped)
            found.predictions.extend(_predict_items(classifier, items, top))
            found.rows.extend(rows.tolist())
    if not skip_errors:
        inputs.check_all_read(found.skipped)
    return found


def logits_of(classifier: Model, features: np.ndarray) -> Tensor:
    """Returns the logits `[n, N]` of the features of items.

    Args:
        classifier: a `FewShotClassifier`.
        features: array `[n, *feature]`, see `EpisodicModel.features`.
    """
    snapshot = classifier.snapshot
    features = ops.convert_to_tensor(features[None])
    logits = classifier.class_scores.logits(snapshot, features)
    return ops.cast(logits, "float32")


def check_top(top: int | None, ways: int) -> None:
    """Raises an error if `top` is not a number of classes out of `ways`, or None."""
    if top is not None and (not isinstance(top, numbers.Integral) or top < 1):
        raise ValueError(
            f"`top` must be an integer of at least 1. Received: top={top!r}"
        )
    if top is not None and top > ways:
        raise ValueError(
            f"`top` must be at most the number of classes, {ways}. Received: top={top}"
        )


def _predict_items(classifier, items, top):
    """Returns a `ClassPrediction` for each of preprocessed items."""
    features = classifier.learner.features(items)
    if top is not None:
        size = max(1, MOST_LOGITS // len(classifier.class_names))
        parts = (features[i : i + size] for i in range(0, len(features), size))
        return [each for part in parts for each in _top_of(classifier, part, top)]
    logits = logits_of(classifier, features)
    rows = ops.convert_to_numpy(classifier.probabilities(logits))
    known = ops.convert_to_numpy(classifier.is_known(logits))
    return [
        ClassPrediction.of(row, classifier.class_names, bool(is_known))
        for row, is_known in zip(rows, known, strict=True)
    ]


def top_classes(
    classifier: Model, features: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the most probable classes of the features of items.

    Args:
        classifier: a `FewShotClassifier`. If it has an index, this finds the classes.
        features: array `[n, *feature]`.
        top: integer, the number of classes.

    Returns:
        A tuple of arrays: probabilities `[n, top]`, the most probable first, class
        numbers `[n, top]`, and the largest logits `[n]`.
    """
    if classifier.snapshot.index is not None and top <= MOST_FROM_INDEX:
        found = indexed_top(classifier, features, top)
        if found is not None:
            return found
    logits = logits_of(classifier, features)
    best, classes = ops.top_k(classifier.probabilities(logits), top)
    return (
        ops.convert_to_numpy(best),
        ops.convert_to_numpy(classes),
        ops.convert_to_numpy(ops.max(logits, axis=-1)),
    )


def _top_of(classifier, features, top):
    """Returns a `ClassPrediction` of the most probable classes for each of features."""
    best, classes, largest = top_classes(classifier, features, top)
    known = ops.convert_to_numpy(classifier.accepts(best[:, 0], largest))
    names, found = classifier.class_names, []
    for row, is_known in enumerate(known):
        numbers_, values = classes[row].tolist(), best[row].tolist()
        each = {names[n]: value for n, value in zip(numbers_, values, strict=True)}
        name = names[numbers_[0]] if is_known else UNKNOWN
        found.append(ClassPrediction(name, values[0], each))
    return found
