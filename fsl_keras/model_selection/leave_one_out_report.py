"""Leave-one-out accuracy, confusions and suspicious labels of a support set."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from fsl_keras.datasets.folders import listed
from fsl_keras.inputs import noun_of
from fsl_keras.metrics import wilson_interval
from fsl_keras.model_selection.held_out import HeldOut, assign_folds, softmax
from fsl_keras.model_selection.support_set import SupportSet
from fsl_keras.typing import Model


@dataclasses.dataclass
class LeaveOneOutReport:
    """Predictions for each example, learned from the others.

    Attributes:
        class_names: list of strings.
        labels: integer array `[n]`, the class that each example was given for.
        answers: integer array `[n]`, the predicted class; -1 if the example is the
            only one of its class.
        probabilities: float array `[n]`, of the predicted classes.
        rows: integer array `[n]`, the index of each among the examples as given, by
            which `suspects` and `duplicates` name them.
        duplicates: list of pairs of near duplicates.
        n_splits: integer, the number of folds.
        leaves_one_out: bool, whether each fold holds a single example and its near
            duplicates.
        noun: string, the word for an example, such as `"image"` or `"sentence"`.
        names: optional list of the names of all examples as given, for `findings`, such
            as the texts. By default examples are numbered.
        logits: optional float32 array `[n, N]` of the examples, zeros where `answers`
            is -1.

    Example:

    >>> report = LeaveOneOutReport(
    ...     ["egret", "heron"], np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]),
    ...     np.array([0.9, 0.8, 0.9, 0.7]), np.arange(4), [(2, 3)], 4)
    >>> print(report)
    Leave-one-out accuracy 75.0 % (95% interval 30.1 to 95.4 %, 4 images)
    egret was predicted as heron: 1 of 2
    May have the wrong label: image 1 looks like 'heron' (0.80)
    Nearly the same image: image 2 and image 3
    """

    class_names: list[str]
    labels: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    rows: np.ndarray
    duplicates: list[tuple[int, int]]
    n_splits: int
    leaves_one_out: bool = True
    noun: str = "image"
    names: Sequence[str] | None = None
    logits: np.ndarray | None = None

    @property
    def method(self) -> str:
        """The method, `"Leave-one-out"` or `"20-fold cross-validation"`."""
        if self.leaves_one_out:
            return "Leave-one-out"
        return f"{self.n_splits}-fold cross-validation"

    @property
    def parts(self) -> int:
        """The former name of `n_splits`."""
        return self.n_splits

    @property
    def tested(self) -> np.ndarray:
        """A bool array `[n]`, the examples that have a prediction."""
        return self.answers >= 0

    @property
    def accuracy(self) -> float:
        """The fraction of tested examples that are predicted right; NaN if none is."""
        tested = self.tested
        if not tested.any():
            return math.nan
        return float((self.answers == self.labels)[tested].mean())

    @property
    def recalls(self) -> dict[str, float]:
        """Dictionary from class to the fraction of its tested examples predicted right.

        Classes without tested examples are left out.
        """
        right = self.answers == self.labels
        return {
            self.class_names[i]: float(right[self.tested & (self.labels == i)].mean())
            for i in np.unique(self.labels[self.tested])
        }

    @property
    def balanced_accuracy(self) -> float:
        """The mean of `recalls`; NaN if there are none.

        Unlike the accuracy, it is low if a class of few examples is never predicted.
        """
        return float(np.mean(list(self.recalls.values()))) if self.recalls else math.nan

    @property
    def is_imbalanced(self) -> bool:
        """Whether some classes have more tested examples than others."""
        return len(set(np.unique(self.labels[self.tested], return_counts=True)[1])) > 1

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval of `accuracy`, a pair."""
        right = self.tested & (self.answers == self.labels)
        return wilson_interval(int(right.sum()), int(self.tested.sum()))

    @property
    def confusions(self) -> list[tuple[str, str, int]]:
        """List of `(class, predicted class, count)`, the most frequent first."""
        wrong = self.tested & (self.answers != self.labels)
        pairs, counts = np.unique(
            np.stack([self.labels[wrong], self.answers[wrong]], axis=-1),
            axis=0,
            return_counts=True,
        )
        rows = [
            (self.class_names[a], self.class_names[b], int(n))
            for (a, b), n in zip(pairs, counts, strict=True)
        ]
        return sorted(rows, key=lambda row: (-row[2], row))

    @property
    def conflicts(self) -> list[tuple[int, int]]:
        """The pairs of `duplicates` that were given for two different classes."""
        label_of = dict(zip(self.rows.tolist(), self.labels.tolist(), strict=True))
        both = [pair for pair in self.duplicates if label_of.keys() >= set(pair)]
        return [(i, j) for i, j in both if label_of[i] != label_of[j]]

    @property
    def suspects(self) -> list[tuple[int, str, float]]:
        """The examples that may have the wrong label, the most probable first.

        These are predicted as another class with a probability above 0.5. A list of
        triples: index among the examples as given, predicted class, probability.
        """
        wrong = np.flatnonzero(self.tested & (self.answers != self.labels))
        sure = wrong[self.probabilities[wrong] > 0.5]
        order = np.argsort(-self.probabilities[sure], kind="stable")
        return [
            (
                int(self.rows[i]),
                self.class_names[self.answers[i]],
                float(self.probabilities[i]),
            )
            for i in sure[order]
        ]

    @property
    def alone(self) -> list[str]:
        """The names of the classes without tested examples."""
        untested = np.unique(self.labels[~self.tested])
        tested = np.unique(self.labels[self.tested])
        return [self.class_names[i] for i in np.setdiff1d(untested, tested)]

    def counts(self) -> list[dict]:
        """Returns a dictionary for each class, with its numbers of examples.

        The keys are `"class_name"`, `"examples"`, `"tested"` and `"right"`.
        """
        right = self.answers == self.labels
        rows = []
        for number, name in enumerate(self.class_names):
            own = self.labels == number
            rows.append(
                {
                    "class_name": name,
                    "examples": int(own.sum()),
                    "tested": int((own & self.tested).sum()),
                    "right": int((own & right).sum()),
                }
            )
        return rows

    def summary(self) -> str:
        """Returns accuracy and interval in a line."""
        if not self.tested.any() or len(self.class_names) == 1:
            return (
                "The accuracy cannot be estimated: that takes two classes, and two "
                f"different {self.noun}s of one."
            )
        low, high = (100 * bound for bound in self.interval)
        line = (
            f"{self.method} accuracy {100 * self.accuracy:.1f} % (95% interval "
            f"{low:.1f} to {high:.1f} %, {self.tested.sum()} {self.noun}s)"
        )
        if self.is_imbalanced:
            line += f", balanced accuracy {100 * self.balanced_accuracy:.1f} %"
        return line

    def findings(
        self, names: Sequence | None = None, most: int | None = None
    ) -> list[str]:
        """Returns lines about classes and images that need attention.

        These are classes that could not be tested, images that may have the wrong
        label, and near duplicates.

        Args:
            names: optional list of the names of all images as given, such as files;
                those of the report by default.
            most: optional integer, the maximum number of lines of a kind.
        """

        noun, names = self.noun, self.names if names is None else names

        def name(i):
            return f"{noun} {i}" if names is None else names[i]

        lines = []
        if self.alone:
            lines.append(f"Not tested, with no second {noun}: {listed(self.alone)}")
        others = sorted(set(self.duplicates) - set(self.conflicts))
        for what, found in {
            "may have the wrong label": [
                f"May have the wrong label: {name(i)} looks like {class_name!r} "
                f"({probability:.2f})"
                for i, class_name, probability in self.suspects
            ],
            "are nearly the same in two classes": [
                f"Nearly the same {noun} in two classes, one of which is probably "
                f"wrong: {name(i)} and {name(j)}"
                for i, j in self.conflicts
            ],
            "are nearly the same": [
                f"Nearly the same {noun}: {name(i)} and {name(j)}" for i, j in others
            ],
        }.items():
            lines += found[:most]
            if found[most:] and most is not None:
                lines.append(f"... and {len(found) - most} more that {what}")
        return lines

    def __str__(self) -> str:
        examples = {row["class_name"]: row["tested"] for row in self.counts()}
        confusions = [
            f"{name} was predicted as {other}: {count} of {examples[name]}"
            for name, other, count in self.confusions
        ]
        return "\n".join([self.summary(), *confusions, *self.findings()])


def leave_one_out(
    learner: Model,
    support: SupportSet,
    class_names: Sequence[str],
    max_work: float = 1e8,
    n_splits: int = 20,
    names: Sequence[str] | None = None,
) -> LeaveOneOutReport:
    """Predicts each example from the others, by stratified group cross-validation.

    Near duplicates are a group, which is left out together: otherwise the duplicate of
    an example would give its class away.

    Args:
        learner: a learner.
        support: `SupportSet` of the examples.
        class_names: list of strings.
        max_work: float, the maximum of the square of the number of examples times the
            number of classes for leave-one-out. The default allows 2,000 examples of 25
            classes, or 600 of 250.
        n_splits: integer, the number of folds above `max_work`.
        names: optional list of strings, see `LeaveOneOutReport`.

    Returns:
        A `LeaveOneOutReport`.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> from fsl_keras.model_selection import SupportSet
    >>> identity = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(identity)
    >>> vectors = np.array([[1, 0], [0.9, 0.2], [0, 1], [0.2, 0.9], [1.1, 0.3]])
    >>> support = SupportSet()
    >>> support.add(vectors, [0, 0, 1, 1, 1])
    >>> report = leave_one_out(learner, support, ["a", "b"])
    >>> report.accuracy, report.confusions
    (0.8, [('b', 'a', 1)])
    """
    if len(support) ** 2 * len(class_names) <= max_work:
        n_splits = len(support)
    folds = assign_folds(support.labels, support.groups, n_splits)
    logits, tested = HeldOut(learner, support, len(class_names)).out_of_fold(folds)
    predicted, probabilities = np.full(len(support), -1), np.zeros(len(support), "f4")
    chosen = logits[tested]
    predicted[tested] = chosen.argmax(axis=-1)
    probabilities[tested] = softmax(chosen).max(axis=-1)
    count = len(np.unique(folds))
    return LeaveOneOutReport(
        list(class_names),
        support.labels,
        predicted,
        probabilities,
        support.rows,
        support.duplicates,
        count,
        leaves_one_out=count == len(np.unique(support.groups)),
        noun=noun_of(learner.item_kind),
        names=names,
        logits=logits,
    )
