"""Predictions of a classifier, as class names with probabilities."""

import numbers
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from fsl_keras import inputs
from fsl_keras.typing import Model, Tensor

UNKNOWN = "unknown"


class ClassPrediction(NamedTuple):
    """The prediction for one item: class name, confidence and all probabilities.

    Attributes:
        class_name: string, the most probable class, or `"unknown"`.
        probability: float, the probability of the most probable class.
        probabilities: dictionary from class name to probability.

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
    classifier: Model, elements: inputs.Elements, skip_errors: bool = True
) -> Predicted:
    """Predicts the classes of elements, in batches of bounded size.

    Args:
        classifier: a `FewShotClassifier`.
        elements: `inputs.Elements`.
        skip_errors: bool, whether to skip files that cannot be read. Otherwise they
            raise an error.

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
            found.predictions.extend(_predict_items(classifier, items))
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
    features = ops.convert_to_tensor(features[None])
    logits = classifier.learner.score_features(classifier.state, features)[0]
    return ops.cast(logits, "float32")


def _predict_items(classifier, items):
    """Returns a `ClassPrediction` for each of preprocessed items."""
    logits = logits_of(classifier, classifier.learner.features(items))
    rows = ops.convert_to_numpy(classifier.probabilities(logits))
    known = ops.convert_to_numpy(classifier.is_known(logits))
    return [
        ClassPrediction.of(row, classifier.class_names, bool(is_known))
        for row, is_known in zip(rows, known, strict=True)
    ]
