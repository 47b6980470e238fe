"""What a report shows, before it is written as a page."""

import dataclasses
import math

import numpy as np

from fsl_keras.classifier import UNKNOWN
from fsl_keras.classifier.classifier_report import ClassifierReport
from fsl_keras.metrics import wilson_interval
from fsl_keras.model_selection import Calibration, LeaveOneOutReport
from fsl_keras.reports.answers import Answers
from fsl_keras.reports.neighbors import (
    groups_of_copies,
    nearest,
    neighbors,
    outliers,
)
from fsl_keras.reports.pictures import Pictures
from fsl_keras.reports.quality import unusual

# The number of examples that explain an answer.
EXPLAINING = 3


@dataclasses.dataclass
class Report:
    """The examples of a classifier and test pictures, with what it predicts for them.

    All arrays are over the pictures: first the examples, then those of the test.

    Attributes:
        about: dictionary from string to string, facts about the classifier.
        class_names: list of strings, the classes of the classifier.
        pictures: `Pictures`.
        is_test: bool array `[n]`.
        answers: `Answers`. Examples are predicted from the other ones.
        leave_one_out: `LeaveOneOutReport` of the examples, None if there are none.
        calibration: optional `Calibration` of the classifier.
        points: float array `[n, 2]`, the embeddings in the plane.
        axes: pair of strings, the names of its axes.
        notes: list of strings, what is missing in the report, and why.
    """

    about: dict[str, str]
    class_names: list[str]
    pictures: Pictures
    is_test: np.ndarray
    answers: Answers
    leave_one_out: LeaveOneOutReport | None
    calibration: Calibration | None
    points: np.ndarray
    axes: list[str]
    notes: list[str]

    def __post_init__(self):
        self.neighbors, self.similarities = neighbors(self.pictures, self.is_test)
        self.copies = groups_of_copies(self.pictures)
        self._vectors = self.pictures.unit_vectors

    @property
    def has_test(self) -> bool:
        """Whether there are test pictures."""
        return bool(self.is_test.any())

    @property
    def predicted(self) -> list[str]:
        """List of the predicted classes, or "unknown"; empty without a prediction.

        An example is predicted as a class in any case, as by `leave_one_out`.
        """
        known = self.answers.known | ~self.is_test
        return [
            "" if number < 0 else self.class_names[number] if is_known else UNKNOWN
            for number, is_known in zip(self.answers.numbers, known, strict=True)
        ]

    @property
    def is_right(self) -> np.ndarray:
        """A bool array `[n]`; "unknown" is right for a class that is not known."""
        known = set(self.class_names)
        labels = [x if x in known else UNKNOWN for x in self.pictures.labels]
        return np.asarray(labels, object) == np.asarray(self.predicted, object)

    @property
    def own_probabilities(self) -> np.ndarray:
        """Float array `[n]`, the probability of the class given for each; NaN if none.

        This is the label quality of cleanlab, "self-confidence".
        """
        numbers = {name: number for number, name in enumerate(self.class_names)}
        own = np.asarray([numbers.get(label, -1) for label in self.pictures.labels])
        found = self.answers.probabilities[np.arange(len(own)), own]
        return np.where((own >= 0) & self.answers.given, found, np.nan)

    def rows(self, of_test: bool) -> np.ndarray:
        """Returns the indices of the pictures of one part that have a prediction."""
        return np.flatnonzero((self.is_test == of_test) & self.answers.given)

    def scores(self, of_test: bool) -> ClassifierReport | None:
        """Returns the scores of the test, or of the examples; None without any."""
        rows, predicted = self.rows(of_test), self.predicted
        if not len(rows):
            return None
        labels = [self.pictures.labels[row] for row in rows]
        return ClassifierReport.of(
            labels, [predicted[row] for row in rows], self.class_names
        )

    def wrong(self, of_test: bool) -> np.ndarray:
        """Returns the indices of wrong predictions, the most confident first."""
        rows = self.rows(of_test)
        rows = rows[~self.is_right[rows]]
        return rows[np.argsort(-self.answers.confidences[rows], kind="stable")]

    @property
    def suspects(self) -> list[tuple[int, str, float]]:
        """The examples that may have the wrong label, as in `LeaveOneOutReport`."""
        return self.leave_one_out.suspects if self.leave_one_out else []

    @property
    def distances(self) -> np.ndarray:
        """Float array `[n]`, the mean cosine distance to the nearest examples.

        NaN if there are not two examples.
        """
        if not self.similarities.shape[1]:
            return np.full(len(self.pictures), np.nan)
        return 1 - self.similarities.mean(axis=1)

    @property
    def outliers(self) -> np.ndarray:
        """Indices of the pictures that are far from all examples, farthest first."""
        if not self.similarities.shape[1]:
            return np.zeros(0, int)
        return outliers(self.distances, self.is_test)

    def groups(self) -> dict[str, list[list[int]]]:
        """Returns the groups of nearly the same pictures, each a list of indices.

        The keys are `"leaks"` between the test and the examples, `"conflicts"` of two
        classes, and the other `"copies"`. A leak of two classes is a leak.
        """
        found: dict[str, list[list[int]]] = {"leaks": [], "conflicts": [], "copies": []}
        numbers, counts = np.unique(self.copies, return_counts=True)
        for number in numbers[counts > 1]:
            rows = np.flatnonzero(self.copies == number)
            parts, labels = self.is_test[rows], {self.pictures.labels[i] for i in rows}
            kind = "conflicts" if len(labels) > 1 else "copies"
            kind = "leaks" if parts.any() and not parts.all() else kind
            found[kind].append(rows.tolist())
        return found

    def issues(self) -> dict[str, list[int]]:
        """Returns the indices of unusual pictures of each kind of `quality.KINDS`."""
        rows = np.flatnonzero(self.pictures.is_seen)
        kinds = unusual([q for q in self.pictures.qualities if q is not None])
        return {kind: rows[found].tolist() for kind, found in kinds.items()}

    def explanation(self, row: int, class_name: str) -> list[tuple[int, float]]:
        """Returns the examples of a class that are most similar to a picture.

        Args:
            row: integer, the index of the picture. It and its copies are left out.
            class_name: string.

        Returns:
            A list of pairs of index and cosine similarity, the most similar first.
        """
        labels = np.asarray(self.pictures.labels, object)
        own = (labels == class_name) & ~self.is_test & (self.copies != self.copies[row])
        candidates = np.flatnonzero(own)
        if not len(candidates):
            return []
        vectors = self._vectors
        places, similarities = nearest(vectors[[row]], vectors[candidates], EXPLAINING)
        return list(
            zip(candidates[places[0]].tolist(), similarities[0].tolist(), strict=True)
        )

    def rejections(self) -> dict[str, tuple[int, int]]:
        """Returns how many test pictures are predicted as "unknown", and of how many.

        The keys are `"known"`, of classes that the classifier knows, and `"unknown"`.
        """
        is_known_class = np.isin(self.pictures.labels, self.class_names)
        return {
            name: (int((~self.answers.known[part]).sum()), int(part.sum()))
            for name, part in {
                "known": self.is_test & is_known_class,
                "unknown": self.is_test & ~is_known_class,
            }.items()
        }

    def accuracy(self, of_test: bool) -> tuple[float, float, float, int]:
        """Returns the accuracy, its 95% Wilson interval, and the number of pictures.

        Args:
            of_test: bool, whether of the test, or of the examples.
        """
        right = self.is_right[self.rows(of_test)]
        low, high = wilson_interval(int(right.sum()), len(right))
        return float(right.mean()) if len(right) else math.nan, low, high, len(right)

    def summary(self) -> list[str]:
        """Returns lines with the accuracies and the numbers of what was found."""
        lines = []
        if self.has_test:
            accuracy, low, high, total = (100 * x for x in self.accuracy(True))
            lines.append(
                f"Test accuracy {accuracy:.1f} % (95% interval {low:.1f} to "
                f"{high:.1f} %, {total // 100} images)"
            )
        if self.leave_one_out is not None:
            lines.append(self.leave_one_out.summary())
        groups, unusual = self.groups(), self.issues().values()
        counts = {
            "Examples that may have the wrong label": len(self.suspects),
            "Pictures far from all examples": len(self.outliers),
            "Groups of copies in test and examples": len(groups["leaks"]),
            "Groups of copies in two classes": len(groups["conflicts"]),
            "Other groups of copies": len(groups["copies"]),
            "Unusual pictures": len({row for rows in unusual for row in rows}),
            "Files that cannot be read": len(self.pictures.skipped),
        }
        lines += [f"{name}: {count}" for name, count in counts.items() if count]
        return lines
