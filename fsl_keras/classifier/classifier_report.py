"""Accuracy, scores and confusions of a classifier on labeled images or texts."""

import csv
import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fsl_keras.classifier.predictions import UNKNOWN, predict_elements
from fsl_keras.datasets.folders import listed, warn_of_skipped
from fsl_keras.datasets.labels import label_names
from fsl_keras.files import NOT_UTF_8, read_json, replacing, write_json
from fsl_keras.files.outputs import CSV, JSON
from fsl_keras.inputs import Elements, hint_of_texts, noun_of
from fsl_keras.typing import Model, Path


class ClassScores(NamedTuple):
    """The scores of one class, or an average of those of several classes.

    Attributes:
        precision: float, the fraction of the predictions of the class that are right;
            0.0 if it is never predicted.
        recall: float, the fraction of the images of the class that are predicted right;
            0.0 if there is none.
        f1: float, the harmonic mean of precision and recall; 0.0 if both are 0.
        images: integer, the number of images, or texts, of the class.
    """

    precision: float
    recall: float
    f1: float
    images: int


@dataclasses.dataclass
class ClassifierReport:
    """The confusion matrix of a classifier on labeled images, and its scores.

    The right prediction for an image of a class that the classifier does not know is
    "unknown". All such classes together are the class "unknown" in `scores`; each has
    its own row in the confusion matrix. As in scikit-learn, a precision, recall
    or F1 score with a denominator of zero is 0.0, and averages are over the classes
    that have images or predictions.

    Args:
        class_names: list of strings, the classes of the images: the rows of the
            confusion matrix.
        predicted_names: list of strings, the classes that the classifier knows, then
            "unknown": the columns.
        matrix: int array, the number of images of each class that are predicted as
            each class.
        noun: string, the word for an item in tables, such as `"sentence"`.

    Example:

    >>> report = ClassifierReport(
    ...     ["egret", "heron"], ["egret", "heron", "unknown"], [[3, 1, 0], [0, 2, 0]])
    >>> print(report)
                  precision   recall      f1  images
    egret           100.0 %   75.0 %  85.7 %       4
    heron            66.7 %  100.0 %  80.0 %       2
    macro avg        83.3 %   87.5 %  82.9 %       6
    weighted avg     88.9 %   83.3 %  83.8 %       6
    accuracy 83.3 %, balanced accuracy 87.5 %, unknown 0.0 %
    """

    class_names: list[str]
    predicted_names: list[str]
    matrix: np.ndarray
    noun: str = "image"

    def __post_init__(self):
        self.matrix = np.asarray(self.matrix, "int64")
        expected = (len(self.class_names), len(self.predicted_names))
        if self.matrix.shape != expected:
            raise ValueError(
                f"`matrix` must have a row for each of the {expected[0]} classes and a "
                f"column for each of the {expected[1]} predicted names. Received: "
                f"matrix of shape {self.matrix.shape}"
            )

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        predicted: Sequence[str],
        class_names: Sequence[str],
        noun: str = "image",
    ) -> "ClassifierReport":
        """Counts predictions.

        Args:
            labels: list of strings, the class of each image.
            predicted: list of strings, the predicted class of each, or "unknown".
            class_names: list of strings, the classes that the classifier knows.
            noun: string, the word for an item.
        """
        rows = sorted(set(labels))
        # A class may have the name "unknown".
        columns = list(dict.fromkeys([*class_names, UNKNOWN]))
        matrix = np.zeros((len(rows), len(columns)), int)
        places = [rows.index(x) for x in labels], [columns.index(x) for x in predicted]
        np.add.at(matrix, places, 1)
        return cls(rows, columns, matrix, noun)

    @property
    def accuracy(self) -> float:
        """The fraction of all images that are predicted right."""
        return float(self._right.sum() / self.matrix.sum())

    @property
    def recalls(self) -> dict[str, float]:
        """Dictionary from class to the fraction of its images predicted right.

        Unlike in `scores`, classes that the classifier does not know are not joined.
        """
        recalls = self._right / self.matrix.sum(axis=1)
        return dict(zip(self.class_names, recalls.tolist(), strict=True))

    @property
    def macro_accuracy(self) -> float:
        """The mean of `recalls`."""
        return float(np.mean(list(self.recalls.values())))

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images, as in scikit-learn.

        It differs from `macro_accuracy` if there are several unknown classes.
        """
        scores = [s.recall for s in self.scores.values() if s.images]
        return float(np.mean(scores))

    @property
    def unknown_rate(self) -> float:
        """The fraction of all images that are predicted as "unknown"."""
        column = self.predicted_names.index(UNKNOWN)
        return float(self.matrix[:, column].sum() / self.matrix.sum())

    @property
    def confusions(self) -> list[tuple[str, str, int]]:
        """List of `(class, predicted, count)` of errors, the most frequent first."""
        counts = self.matrix.copy()
        counts[np.arange(len(counts)), self.right_columns] = 0
        rows = [
            (self.class_names[i], self.predicted_names[j], int(counts[i, j]))
            for i, j in zip(*np.nonzero(counts), strict=True)
        ]
        return sorted(rows, key=lambda row: (-row[2], row))

    @property
    def scores(self) -> dict[str, ClassScores]:
        """Dictionary from class to `ClassScores`.

        It has the classes that have images or predictions, in the order of
        `predicted_names`.
        """
        of_class = np.zeros(len(self.predicted_names), int)
        np.add.at(of_class, self.right_columns, self.matrix.sum(axis=1))
        right = np.zeros(len(self.predicted_names), int)
        np.add.at(right, self.right_columns, self._right)
        predicted = self.matrix.sum(axis=0)
        return {
            name: _scores(*map(int, counts))
            for name, *counts in zip(
                self.predicted_names, right, predicted, of_class, strict=True
            )
            if counts[1] or counts[2]
        }

    @property
    def macro_average(self) -> ClassScores:
        """The `ClassScores` whose values are the means over classes."""
        return self._average(np.ones(len(self.scores)))

    @property
    def weighted_average(self) -> ClassScores:
        """The `ClassScores` whose values are the means weighted by images."""
        return self._average([score.images for score in self.scores.values()])

    def table(self) -> list[list[str]]:
        """Returns rows of strings: a header, each class, and both averages."""
        rows = {
            **self.scores,
            "macro avg": self.macro_average,
            "weighted avg": self.weighted_average,
        }
        header = ["class", *ClassScores._fields[:3], f"{self.noun}s"]
        return [header] + [
            [name, *(f"{100 * value:.1f} %" for value in score[:3]), str(score.images)]
            for name, score in rows.items()
        ]

    def summary(self) -> str:
        """Returns accuracy, balanced accuracy and the rate of "unknown" in a line."""
        return (
            f"accuracy {100 * self.accuracy:.1f} %, balanced accuracy "
            f"{100 * self.balanced_accuracy:.1f} %, "
            f"unknown {100 * self.unknown_rate:.1f} %"
        )

    def __str__(self) -> str:
        header, *rows = self.table()
        rows = [["", *header[1:]], *rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for name, *cells in rows:
            right = (c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))
            lines.append("  ".join([name.ljust(widths[0]), *right]))
        return "\n".join([*lines, self.summary()])

    def save(self, path: Path) -> None:
        """Writes the report as JSON, which `load` reads; with the scores."""
        content = {
            "class_names": self.class_names,
            "predicted_names": self.predicted_names,
            "matrix": self.matrix.tolist(),
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "macro_accuracy": self.macro_accuracy,
            "unknown_rate": self.unknown_rate,
            "scores": {name: s._asdict() for name, s in self.scores.items()},
            "macro_average": self.macro_average._asdict(),
            "weighted_average": self.weighted_average._asdict(),
            "recalls": self.recalls,
            "confusions": self.confusions,
            "noun": self.noun,
        }
        write_json(path, content, JSON)

    @classmethod
    def load(cls, path: Path) -> "ClassifierReport":
        """Reads a report that `save` wrote."""
        content = read_json(path)
        names = ("class_names", "predicted_names", "matrix")
        missing = [name for name in names if name not in content]
        if missing:
            raise ValueError(
                f"{path} has no {missing}: it is not a report of a classifier, or one "
                f"of an earlier version. Evaluate the classifier again."
            )
        noun = content.get("noun", "image")
        class_names, predicted_names, matrix = (content[name] for name in names)
        return cls(class_names, predicted_names, matrix, noun)

    def save_csv(self, path: Path) -> None:
        """Writes a CSV file with a row per class.

        The columns are the class, its number of images or sentences, its recall, and
        the number of these that are predicted as each class.
        """
        counts = [f"predicted {name}" for name in self.predicted_names]
        with (
            replacing(path, CSV) as temporary,
            temporary.open("w", newline="", encoding="utf-8", errors=NOT_UTF_8) as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["class", f"{self.noun}s", "recall", *counts])
            for (name, recall), row in zip(
                self.recalls.items(), self.matrix.tolist(), strict=True
            ):
                writer.writerow([name, sum(row), recall, *row])

    @property
    def right_columns(self) -> list[int]:
        """The column of the right prediction for each row, a list of integers."""
        columns = {name: i for i, name in enumerate(self.predicted_names)}
        return [columns.get(name, columns[UNKNOWN]) for name in self.class_names]

    @property
    def _right(self):
        return self.matrix[np.arange(len(self.matrix)), self.right_columns]

    def _average(self, weights):
        scores = list(self.scores.values())
        means = np.average([score[:3] for score in scores], axis=0, weights=weights)
        return ClassScores(*means.tolist(), sum(score.images for score in scores))


def _scores(right, predicted, images):
    return ClassScores(
        right / predicted if predicted else 0.0,
        right / images if images else 0.0,
        2 * right / (predicted + images),
        images,
    )


def evaluate_classifier(
    classifier: Model, images: Any, labels: Any = None
) -> ClassifierReport:
    """Evaluates a classifier on labeled images or texts.

    Args:
        classifier: a `FewShotClassifier`.
        images: images or texts in any form that `EpisodicModel.adapt` takes. Files that
            cannot be read are skipped, with a warning that names them.
        labels: the class of each: names, or integers that index
            `classifier.class_names`; None if the images contain them. Classes that the
            classifier does not know are allowed: the right prediction for them is
            "unknown".

    Returns:
        A `ClassifierReport`.

    Raises:
        ValueError: if there are more or fewer labels than images, no label is one of
            the classifier's classes or "unknown", or no image can be read.
    """
    noun = noun_of(classifier.item_kind)
    elements = Elements.labeled(images, labels, classifier.item_kind)
    if len(elements.labels):
        # Before reading images.
        true_names(elements.labels, classifier.class_names, noun)
    found = predict_elements(classifier, elements)
    warn_of_skipped(found.skipped, len(found.sources))
    if not found.predictions:
        hint = hint_of_texts(found.skipped)
        raise ValueError(f"No image could be read. {hint}".rstrip())
    names = true_names(elements.labels, classifier.class_names, noun)
    return ClassifierReport.of(
        [names[row] for row in found.rows],
        [prediction.class_name for prediction in found.predictions],
        classifier.class_names,
        noun,
    )


def true_names(
    labels: Any, class_names: Sequence[str], noun: str = "image"
) -> list[str]:
    """Returns the class name of each label; raises an error if no class is known.

    Args:
        labels: names, or integers that index `class_names`.
        class_names: list of strings, the classes of a classifier.
        noun: string, the word for an item in the error.
    """
    names = label_names(labels, class_names)
    if not {UNKNOWN, *class_names} & set(names):
        raise ValueError(
            f"None of the labels, {listed(sorted(set(names)))}, is a class of the "
            f"classifier, which are {listed(class_names)}. "
            f"{noun.capitalize()}s of classes that it does not know may be labeled "
            f"{UNKNOWN!r}."
        )
    return names
