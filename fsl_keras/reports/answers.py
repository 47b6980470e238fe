"""What a classifier predicts for the pictures of a report."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from fsl_keras.classifier import FewShotClassifier, fingerprint_of
from fsl_keras.classifier.adaptation import preprocessing_for
from fsl_keras.classifier.from_features import classifier_from_features
from fsl_keras.classifier.predictions import logits_of
from fsl_keras.classifier.stored_features import add_descriptions
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.model_selection import (
    LeaveOneOutReport,
    SupportSet,
    calibrate,
    leave_one_out,
)
from fsl_keras.reports.pictures import Pictures
from fsl_keras.typing import Model

# Above this number of examples, estimates use few folds: a report takes little longer
# than embedding its pictures. Calibration is nested, which takes the square of folds.
MANY, FEW_FOLDS, NESTED_FOLDS = 500, 8, 5

# The number of pictures scored at a time, as heads of feature maps need memory.
AT_A_TIME = 256


@dataclasses.dataclass
class Answers:
    """The predictions for pictures.

    Attributes:
        numbers: integer array `[n]`, the most probable class; -1 if there is none, as
            for the only example of a class.
        probabilities: float32 array `[n, N]`; zeros without a prediction.
        known: bool array `[n]`, False where the prediction is "unknown".
    """

    numbers: np.ndarray
    probabilities: np.ndarray
    known: np.ndarray

    @property
    def given(self) -> np.ndarray:
        """A bool array `[n]`, which pictures have a prediction."""
        return self.numbers >= 0

    @property
    def confidences(self) -> np.ndarray:
        """Float32 array `[n]`, the probability of the most probable class."""
        return self.probabilities.max(axis=-1)

    def __add__(self, more: "Answers") -> "Answers":
        """Returns these answers and then others."""
        pairs = [
            (getattr(self, field.name), getattr(more, field.name))
            for field in dataclasses.fields(self)
        ]
        return Answers(*map(np.concatenate, pairs))


def support_set(class_names: list[str], pictures: Pictures) -> SupportSet:
    """Returns examples as a support set; the same picture of a class counts once."""
    support = SupportSet()
    classes = [class_names.index(label) for label in pictures.labels]
    pairs = list(zip(pictures.digests.tolist(), classes, strict=True))
    firsts: dict[tuple[int, int], int] = {}
    for row, pair in enumerate(pairs):
        if firsts.setdefault(pair, row) != row:
            support.repeat(firsts[pair], row)
    rows = np.asarray(list(firsts.values()))
    support.add(
        pictures.features[rows],
        np.asarray(classes)[rows],
        rows,
        pictures.small[rows] if pictures.is_seen.all() else None,
    )
    return support


def adapted(
    learner: Model,
    preprocessing: Model,
    class_names: list[str],
    pictures: Pictures,
    support: SupportSet,
    false_reject_rate: float,
) -> FewShotClassifier:
    """Makes a calibrated classifier from pictures whose features are known.

    Args:
        learner: a learner that is deployable.
        preprocessing: its `ImagePreprocessing`.
        class_names: list of strings.
        pictures: `Pictures`, the examples.
        support: their `support_set`.
        false_reject_rate: float, see `FewShotClassifier.from_examples`.
    """
    learned = LearnedExamples(
        np.stack([pictures.digests[support.rows], support.labels], axis=-1),
        sources=[pictures.files[row] for row in support.rows],
        owners=np.arange(len(support)),
        features=support.features,
    )
    classifier = classifier_from_features(
        learner, class_names, preprocessing, fingerprint_of(learner), learned
    )
    ways = len(class_names)
    if len(set(support.groups)) > ways:
        few = NESTED_FOLDS if len(support) > MANY else None
        classifier.calibration = calibrate(
            learner, support, ways, false_reject_rate, n_splits=few
        )
    return classifier


def out_of_fold(
    classifier: Model, support: SupportSet, count: int
) -> tuple[LeaveOneOutReport, Answers]:
    """Predicts each example of a classifier from the others.

    Args:
        classifier: a `FewShotClassifier`.
        support: the `support_set` of its examples, to which its descriptions of classes
            are added.
        count: integer, the number of examples as given.
    """
    names = classifier.class_names
    add_descriptions(classifier, support)
    few: dict[str, Any] = {}
    if len(support) > MANY:
        few = {"max_work": 0, "n_splits": FEW_FOLDS}
    report = leave_one_out(classifier.learner, support, names, **few)
    answers = Answers(
        np.full(count, -1),
        np.zeros((count, len(names)), "float32"),
        np.ones(count, bool),
    )
    rows = report.rows[report.tested]
    if report.logits is None or not len(rows):
        return report, answers
    found = _answers(classifier, report.logits[report.tested])
    answers.numbers[rows] = found.numbers
    answers.probabilities[rows] = found.probabilities
    answers.known[rows] = found.known
    return report, answers


def predicted(classifier: Model, pictures: Pictures) -> Answers:
    """Predicts other pictures than the examples of a classifier."""
    logits = []
    for start in range(0, len(pictures), AT_A_TIME):
        features = pictures.features[start : start + AT_A_TIME]
        logits.append(ops.convert_to_numpy(logits_of(classifier, features)))
    return _answers(classifier, np.concatenate(logits))


def _answers(classifier, logits):
    logits = ops.convert_to_tensor(logits)
    probabilities = ops.convert_to_numpy(classifier.probabilities(logits))
    return Answers(
        probabilities.argmax(axis=-1),
        probabilities,
        ops.convert_to_numpy(classifier.is_known(logits)),
    )


def check_pictures(model: Model) -> None:
    """Raises an error if a classifier or learner does not take pictures."""
    if getattr(model, "item_kind", None) != "image":
        of = f" of {model.item_kind}s" if hasattr(model, "item_kind") else ""
        raise ValueError(
            f"A report needs a `FewShotClassifier` or a learner of images. Received: a "
            f"{type(model).__name__}{of}"
        )


def preprocessing_of(learner: Model, invert: bool, resize: str) -> Model:
    """Returns the preprocessing of pictures for a learner."""
    return preprocessing_for(learner, invert, None, resize)
