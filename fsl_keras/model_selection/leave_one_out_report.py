"""How good a classifier of a few pictures will be, told from those pictures alone."""

import dataclasses
import math

import numpy as np

from fsl_keras.metrics import wilson_interval
from fsl_keras.model_selection.cross_validation import HeldOut, divide, softmax

# Each example is left out alone where that is less work than this: it grows with the
# square of the examples and with the classes, up to 2,000 examples of 25 classes or 600
# of 250. Otherwise parts are left out.
MOST_WORK, PARTS = 1e8, 20


@dataclasses.dataclass
class LeaveOneOutReport:
    """What a learner says of each example when it knows all others.

    Attributes:
        class_names: list of strings.
        labels: int array `[n]`, the class each example was given for.
        answers: int array `[n]`, the class the others speak for; -1 where the class
            of the example has no other, which tells nothing.
        probabilities: float array `[n]`, of the answers.
        rows: int array `[n]`, the index of each among the examples as given, by which
            `suspects` and `duplicates` name them.
        duplicates: list of pairs of examples that are nearly the same.
        parts: integer, how many parts were left out one after the other; as many as
            there are examples, but for copies, unless these are very many.
    """

    class_names: list
    labels: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    rows: np.ndarray
    duplicates: list
    parts: int

    @property
    def method(self):
        """What was done, a string: "Leave-one-out" or "20-fold cross-validation"."""
        if self.parts == PARTS < len(self.labels):
            return f"{self.parts}-fold cross-validation"
        return "Leave-one-out"

    @property
    def tested(self):
        """Which examples could be tested, a bool array `[n]`."""
        return self.answers >= 0

    @property
    def accuracy(self):
        """The share of the tested examples that are named right; NaN if none is."""
        tested = self.tested
        if not tested.any():
            return math.nan
        return float((self.answers == self.labels)[tested].mean())

    @property
    def recalls(self):
        """Dictionary from class to the share of its tested examples predicted right.

        Classes of which no example could be tested are not in it.
        """
        right = self.answers == self.labels
        return {
            self.class_names[i]: float(right[self.tested & (self.labels == i)].mean())
            for i in np.unique(self.labels[self.tested])
        }

    @property
    def balanced_accuracy(self):
        """The mean of `recalls`, where each class counts the same; NaN if none is.

        The accuracy can be high while a class of few examples is never predicted.
        """
        return float(np.mean(list(self.recalls.values()))) if self.recalls else math.nan

    @property
    def is_imbalanced(self):
        """Whether some classes have more tested examples than others."""
        return len(set(np.unique(self.labels[self.tested], return_counts=True)[1])) > 1

    @property
    def interval(self):
        """The 95% interval of `accuracy`, a pair, by Wilson's formula.

        It holds for few examples too, where all may be right.
        """
        right = self.tested & (self.answers == self.labels)
        return wilson_interval(int(right.sum()), int(self.tested.sum()))

    @property
    def confusions(self):
        """List of `(class, answer, count)`, the most frequent first."""
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
    def conflicts(self):
        """The pairs of `duplicates` that were given for two different classes."""
        label_of = dict(zip(self.rows.tolist(), self.labels.tolist(), strict=True))
        both = [pair for pair in self.duplicates if label_of.keys() >= set(pair)]
        return [(i, j) for i, j in both if label_of[i] != label_of[j]]

    @property
    def suspects(self):
        """The examples that are surely called another class, the surest first.

        Those are the ones to look at: they may have the wrong label. A list of triples:
        index among the examples as given, the class that is answered, probability.
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
    def alone(self):
        """The names of the classes that could not be tested, nothing being left."""
        untested = np.unique(self.labels[~self.tested])
        tested = np.unique(self.labels[self.tested])
        return [self.class_names[i] for i in np.setdiff1d(untested, tested)]


def leave_one_out(learner, support, class_names):
    """Asks about each example a learner of all the others.

    Near copies are left out together: a copy of the picture that is asked for would
    give the answer away. Very many examples are left out in 20 parts.

    Args:
        learner: a learner.
        support: `SupportSet` of the examples.
        class_names: list of strings.

    Returns:
        A `LeaveOneOutReport`.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> from fsl_keras.model_selection.support_set import SupportSet
    >>> nothing = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(nothing)
    >>> vectors = np.array([[1, 0], [0.9, 0.2], [0, 1], [0.2, 0.9], [1.1, 0.3]])
    >>> support = SupportSet()
    >>> support.add(vectors, [0, 0, 1, 1, 1])
    >>> report = leave_one_out(learner, support, ["a", "b"])
    >>> report.accuracy, report.confusions
    (0.8, [('b', 'a', 1)])
    """
    alone = len(support) ** 2 * len(class_names) <= MOST_WORK
    parts = divide(support.labels, support.groups, len(support) if alone else PARTS)
    logits, tested = HeldOut(learner, support, len(class_names)).without(parts)
    answers, sure = np.full(len(support), -1), np.zeros(len(support), "float32")
    chosen = logits[tested]
    answers[tested] = chosen.argmax(axis=-1)
    sure[tested] = softmax(chosen).max(axis=-1)
    return LeaveOneOutReport(
        list(class_names),
        support.labels,
        answers,
        sure,
        support.rows,
        support.duplicates,
        len(np.unique(parts)),
    )
