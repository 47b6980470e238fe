"""How good a classifier of a few pictures will be, told from those pictures alone."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from fsl_keras import pictures
from fsl_keras.metrics import Z95

# Pictures are left out so many at a time, as tasks that share one support set.
TASKS = 8

# Two pictures whose thumbnails correlate above this are copies of one: resized, stored
# again, brightened, or taken in the same moment.
NEAR, THUMBNAIL = 0.99, (16, 16)


@dataclasses.dataclass
class LeaveOneOutReport:
    """What a learner says of each example when it knows all others.

    Attributes:
        class_names: list of strings.
        labels: int array `[n]`, the class each example was given for.
        answers: int array `[n]`, the class the others speak for; -1 where the class
            of the example has no other, which tells nothing.
        probabilities: float array `[n]`, of the answers.
        duplicates: list of pairs of examples that are nearly the same.
    """

    class_names: list
    labels: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    duplicates: list

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
    def interval(self):
        """The 95% interval of `accuracy`, a pair, by Wilson's formula.

        It holds for few examples too, where all may be right.
        """
        n, p = int(self.tested.sum()), self.accuracy
        if n == 0:
            return math.nan, math.nan
        middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        spread = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
        spread /= 1 + Z95**2 / n
        return max(middle - spread, 0.0), min(middle + spread, 1.0)

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
    def suspects(self):
        """The examples that are surely called another class, the surest first.

        Those are the ones to look at: they may bear the wrong name.
        """
        wrong = np.flatnonzero(self.tested & (self.answers != self.labels))
        sure = wrong[self.probabilities[wrong] > 0.5]
        return sure[np.argsort(-self.probabilities[sure], kind="stable")].tolist()

    @property
    def conflicts(self):
        """The pairs of `duplicates` that were given for two different classes."""
        return [(i, j) for i, j in self.duplicates if self.labels[i] != self.labels[j]]

    @property
    def alone(self):
        """The names of the classes that could not be tested, nothing being left."""
        untested = np.unique(self.labels[~self.tested])
        tested = np.unique(self.labels[self.tested])
        return [self.class_names[i] for i in np.setdiff1d(untested, tested)]


def leave_one_out(learner, data, photographs=None):
    """Asks a learner for each example what it is, by all others.

    Pictures that are nearly the same are left out together: a copy of the picture
    that is asked for would give the answer away.

    Args:
        learner: a learner of vectors, such as `TransferLearner.on_features` gives.
        data: `ClassDataset` of the vectors of all examples, as `features.embed`
            computes them.
        photographs: optional `ClassDataset` of the pictures themselves, in the same
            order, among which copies are looked for. Otherwise only examples whose
            vectors are the same count as copies.

    Returns:
        A `LeaveOneOutReport`; its examples are numbered through the classes.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> nothing = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(nothing)
    >>> vectors = np.array([[1, 0], [0.9, 0.2], [0, 1], [0.2, 0.9], [1.1, 0.3]])
    >>> data = fsl.ClassDataset.from_arrays(vectors, ["a", "a", "b", "b", "b"])
    >>> report = leave_one_out(learner, data)
    >>> report.accuracy, report.confusions
    (0.8, [('b', 'a', 1)])
    """
    parts = [data.class_items(name) for name in data.class_names]
    vectors = np.concatenate(parts).astype("float32")
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    compared, similarity = vectors, 1 - 1e-6
    if photographs is not None:
        compared, similarity = thumbnails(photographs), NEAR
    duplicates, groups = near_duplicates(compared, similarity)
    one_hot = np.eye(len(parts), dtype="float32")[labels]
    others = np.asarray(
        [
            (groups != own)[labels == label].any()
            for own, label in zip(groups, labels, strict=True)
        ]
    )

    @tf.function(reduce_retracing=True)
    def ask(support, kept, query):
        episode = {"support": support, "support_labels": kept, "query": query}
        return tf.nn.softmax(learner(episode, training=False)[:, 0])

    answers = np.full(len(vectors), -1)
    sure = np.zeros(len(vectors), "float32")
    tested = np.flatnonzero(others)
    for start in range(0, len(tested), TASKS):
        rows = tested[start : start + TASKS]
        # A row of zeros among the labels is padding, which counts for nothing.
        kept = one_hot * (groups != groups[rows, None])[..., None].astype("float32")
        support = np.broadcast_to(vectors, (len(rows), *vectors.shape))
        probabilities = ask(support, kept, vectors[rows, None]).numpy()
        answers[rows], sure[rows] = probabilities.argmax(-1), probabilities.max(-1)
    return LeaveOneOutReport(data.class_names, labels, answers, sure, duplicates)


def near_duplicates(vectors, similarity):
    """Finds the vectors that point the same way.

    Args:
        vectors: float array `[n, D]`.
        similarity: float, the least cosine similarity.

    Returns:
        The list of their pairs `(i, j)`, `i < j`, and an int array `[n]`: the same
        number for vectors that a chain of such pairs connects.

    Example:

    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.01]])
    >>> pairs, groups = near_duplicates(vectors, 0.99)
    >>> pairs, groups.tolist()
    ([(0, 2)], [0, 1, 0])
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    groups, pairs = np.arange(len(vectors)), []
    for i in range(len(vectors)):
        others = i + 1 + np.flatnonzero(unit[i + 1 :] @ unit[i] > similarity)
        if len(others):
            pairs.extend((i, j) for j in others.tolist())
            joined = np.unique(groups[[i, *others]])
            groups[np.isin(groups, joined)] = joined[0]
    return pairs, groups


def thumbnails(data):
    """Returns a small picture `[n, 256]` of each, grey, with a mean of zero."""
    rows = np.concatenate(data.class_rows)
    # Many at a time, as classes may have one picture each.
    small = [
        pictures.fit(data.items.take(rows[start : start + 256]), THUMBNAIL, channels=1)
        for start in range(0, len(rows), 256)
    ]
    small = np.concatenate(small).reshape(-1, math.prod(THUMBNAIL)).astype("float32")
    return small - small.mean(axis=1, keepdims=True)
