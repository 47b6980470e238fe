"""What a learner of some examples says of the others."""

import numpy as np
import tensorflow as tf

# Support sets that go through a head at a time, and the numbers in them at most.
TASKS, NUMBERS = 8, 2**24


def divide(labels, groups, most):
    """Divides examples into parts that are left out one at a time.

    Near copies stay together, and each class is spread over the parts as evenly as
    that allows.

    Args:
        labels: int array `[n]`, the class of each example.
        groups: int array `[n]`, the same number for near copies.
        most: integer, the number of parts at most.

    Returns:
        An int array `[n]`, the part of each example, from 0 on.

    Example:

    >>> labels, groups = np.array([0, 1, 0, 1, 1]), np.array([0, 1, 0, 3, 4])
    >>> divide(labels, groups, most=10).tolist()
    [0, 1, 0, 2, 3]
    >>> divide(labels, groups, most=2).tolist()
    [0, 1, 0, 0, 1]
    """
    firsts, of_group = np.unique(groups, return_inverse=True)
    if len(firsts) <= most:
        return of_group
    class_of_group = np.zeros(len(firsts), int)
    class_of_group[of_group] = labels
    places = np.argsort(np.argsort(class_of_group, kind="stable"))
    return (places % most)[of_group]


def has_others(labels, parts):
    """Says of which examples the class has another one in another part.

    Example:

    >>> has_others(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2, 2, 3])).tolist()
    [True, True, False, False, False]
    """
    pairs = np.unique(np.stack([labels, parts], axis=-1), axis=0)
    classes, counts = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(labels, classes[counts > 1])


def softmax(logits):
    """Returns the probabilities of logits `[..., N]`."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class HeldOut:
    """Asks a learner of some examples of a support set about others of it.

    Everything is computed on features, in batches of tasks of one shape, so that a
    head is traced once however many questions there are.

    Args:
        learner: a learner.
        support: `SupportSet`.
        ways: integer, the number of classes.
    """

    def __init__(self, learner, support, ways):
        self.ways = ways
        self._learner = learner
        self._labels = support.labels
        # Augmented copies stand behind the examples that they are of.
        features = np.concatenate([support.features, support.copies])
        self._origins = np.concatenate([np.arange(len(support)), support.copied])
        self._features = tf.constant(features)
        self._one_hot = np.eye(ways, dtype="float32")[self._labels[self._origins]]
        largest = max(features.size, self._one_hot.size, 1)
        self._tasks = int(np.clip(NUMBERS // largest, 1, TASKS))

        @tf.function(reduce_retracing=True)
        def ask(features, learned, labels, asked):
            memory = learner.remember_features(tf.gather(features, learned), labels)
            state = learner.prepare(memory)
            return learner.score_features(state, tf.gather(features, asked))

        self._ask = ask

    def logits(self, questions):
        """Answers questions, each from its own part of the examples.

        Args:
            questions: list of pairs: a bool array `[n]` of the examples to learn
                from, at least one, and an int array of those to ask about.

        Returns:
            A list of float32 arrays `[number asked, N]`.
        """
        longest = max((len(asked) for _, asked in questions), default=0)
        answers = []
        for start in range(0, len(questions), self._tasks):
            batch = questions[start : start + self._tasks]
            padded = [*batch, *[batch[-1]] * (self._tasks - len(batch))]
            kept = np.stack([kept[self._origins] for kept, _ in padded])
            # What is left out is padding: a row without label, in the place of which
            # stands another example, so that statistics of a batch do not see it.
            first = kept.argmax(axis=1)[:, None]
            learned = np.where(kept, np.arange(kept.shape[1]), first)
            labels = self._one_hot * kept[..., None].astype("float32")
            asked = np.stack([np.resize(asked, longest) for _, asked in padded])
            logits = self._ask(self._features, learned, labels, asked).numpy()
            answers += [
                row[: len(asked)]
                for row, (_, asked) in zip(logits, batch, strict=False)
            ]
        return answers

    def of_all(self, features):
        """Answers about further features `[m, *feature]` by a learner of all."""
        memory = self._learner.remember_features(
            self._features[None], self._one_hot[None]
        )
        state = self._learner.prepare(memory)
        features = tf.constant(features)
        return self._learner.score_features(state, features[None])[0].numpy()

    def without(self, parts, kept=None):
        """Answers about each example by a learner of all other parts.

        Args:
            parts: int array `[n]`, the part of each example.
            kept: optional bool array `[n]`, the only examples there are.

        Returns:
            float32 logits `[n, N]`, and which of them tell something: a bool array
            `[n]` of the examples that are there and whose class is in another part.
        """
        kept = np.ones(len(parts), bool) if kept is None else kept
        tested = np.zeros(len(parts), bool)
        tested[kept] = has_others(self._labels[kept], parts[kept])
        logits = np.zeros((len(parts), self.ways), "float32")
        rows = [np.flatnonzero(tested & (parts == p)) for p in np.unique(parts)]
        rows = [asked for asked in rows if len(asked)]
        questions = [(kept & (parts != parts[asked[0]]), asked) for asked in rows]
        for asked, answer in zip(rows, self.logits(questions), strict=True):
            logits[asked] = answer
        return logits, tested
