"""Predictions for the examples of a support set that a learner was not given."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from fsl_keras.imports.backend import compiled
from fsl_keras.model_selection.support_set import SupportSet
from fsl_keras.typing import Model, Tensor

# The number of tasks in a batch, and of values in their support sets, at most.
TASKS, VALUES = 8, 2**24


def assign_folds(labels: Tensor, groups: Tensor, n_splits: int) -> np.ndarray:
    """Assigns examples to folds, as stratified group k-fold cross-validation.

    The examples of a group are in the same fold, and each class is spread over the
    folds as evenly as that allows. Folds are assigned in order, without shuffling.

    Args:
        labels: integers `[n]`, the class of each example.
        groups: integers `[n]`, the group of each example. Near duplicates are a group.
        n_splits: integer, the maximum number of folds. There are fewer if there are
            fewer groups.

    Returns:
        An integer array `[n]`, the fold of each example, from 0.

    Example:

    >>> labels, groups = np.array([0, 1, 0, 1, 1]), np.array([0, 1, 0, 3, 4])
    >>> assign_folds(labels, groups, n_splits=10).tolist()
    [0, 1, 0, 2, 3]
    >>> assign_folds(labels, groups, n_splits=2).tolist()
    [0, 1, 0, 0, 1]
    """
    firsts, of_group = np.unique(groups, return_inverse=True)
    if len(firsts) <= n_splits:
        return of_group
    class_of_group = np.zeros(len(firsts), int)
    class_of_group[of_group] = labels
    places = np.argsort(np.argsort(class_of_group, kind="stable"))
    return (places % n_splits)[of_group]


def has_others(labels: Tensor, folds: Tensor) -> np.ndarray:
    """Returns which examples have another example of their class in another fold.

    Args:
        labels: integers `[n]`.
        folds: integers `[n]`.

    Returns:
        A bool array `[n]`.

    Example:

    >>> has_others(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2, 2, 3])).tolist()
    [True, True, False, False, False]
    """
    pairs = np.unique(np.stack([labels, folds], axis=-1), axis=0)
    classes, counts = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(labels, classes[counts > 1])


def softmax(logits: Tensor) -> np.ndarray:
    """Returns the probabilities of logits `[..., N]`."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class HeldOut:
    """Predicts some examples of a support set from others.

    Everything is computed on features, in batches of tasks of one shape, so that a
    head is traced once for all tasks.

    Args:
        learner: a learner.
        support: `SupportSet`.
        ways: integer, the number of classes.
    """

    def __init__(self, learner: Model, support: SupportSet, ways: int):
        self.ways = ways
        self._learner = learner
        self._labels = support.labels
        # Augmented copies follow the examples, and descriptions follow them.
        features = np.concatenate([support.features, support.copies])
        self._origins = np.concatenate([np.arange(len(support)), support.copied])
        self._one_hot = np.zeros((len(self._origins), ways), "float32")
        self._one_hot[np.arange(len(self._origins)), self._labels[self._origins]] = 1
        self._described = np.zeros(0, int)
        if support.descriptions is not None:
            more, weights = support.descriptions
            features = np.concatenate([features, more])
            self._one_hot = np.concatenate([self._one_hot, weights])
            self._described = weights.argmax(axis=-1)
        self._features = ops.convert_to_tensor(features)
        largest = max(features.size, self._one_hot.size, 1)
        self._tasks = int(np.clip(VALUES // largest, 1, TASKS))

        def predict(features, learned, labels, queries):
            support = ops.take(features, learned, axis=0)
            state = learner.prepare(learner.remember_features(support, labels))
            return learner.score_features(state, ops.take(features, queries, axis=0))

        self._predict = compiled(predict)

    def predict(
        self,
        tasks: Sequence[tuple[np.ndarray, np.ndarray]],
        left_out: Sequence[int] | np.ndarray = (),
    ) -> list[np.ndarray]:
        """Predicts the queries of tasks, each from a support set of its own.

        Args:
            tasks: list of pairs: a bool array `[n]` of the examples to learn from, at
                least one, and an integer array of those to predict.
            left_out: integers, the classes whose descriptions are not learned.

        Returns:
            A list of float32 logits `[queries, N]`.
        """
        longest = max((len(queries) for _, queries in tasks), default=0)
        found: list[np.ndarray] = []
        described = ~np.isin(self._described, left_out)
        for start in range(0, len(tasks), self._tasks):
            batch = tasks[start : start + self._tasks]
            padded = [*batch, *[batch[-1]] * (self._tasks - len(batch))]
            kept = np.stack(
                [np.concatenate([kept[self._origins], described]) for kept, _ in padded]
            )
            # An example that is left out becomes padding: a row without a label, which
            # repeats another example, so that batch statistics do not depend on it.
            first = kept.argmax(axis=1)[:, None]
            learned = np.where(kept, np.arange(kept.shape[1]), first)
            labels = self._one_hot * kept[..., None].astype("float32")
            queries = np.stack([np.resize(queries, longest) for _, queries in padded])
            logits = ops.convert_to_numpy(
                self._predict(self._features, learned, labels, queries)
            )
            found += [
                row[: len(queries)]
                for row, (_, queries) in zip(logits, batch, strict=False)
            ]
        return found

    def predict_features(self, features: Tensor) -> np.ndarray:
        """Returns the logits `[m, N]` of other features, learned from all examples."""
        memory = self._learner.remember_features(
            self._features[None], self._one_hot[None]
        )
        state = self._learner.prepare(memory)
        features = ops.convert_to_tensor(features)
        return ops.convert_to_numpy(
            self._learner.score_features(state, features[None])[0]
        )

    def out_of_fold(
        self,
        folds: np.ndarray,
        kept: np.ndarray | None = None,
        left_out: Sequence[int] | np.ndarray = (),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predicts each example from the examples of all other folds.

        Args:
            folds: integer array `[n]`, the fold of each example.
            kept: optional bool array `[n]`, the examples to use.
            left_out: integers, the classes whose descriptions are not learned.

        Returns:
            A pair: float32 logits `[n, N]`, and a bool array `[n]` of the examples that
            have logits. The others are not used, or their class has no description and
            no example in another fold.
        """
        kept = np.ones(len(folds), bool) if kept is None else kept
        tested = np.zeros(len(folds), bool)
        tested[kept] = has_others(self._labels[kept], folds[kept])
        tested |= kept & np.isin(self._labels, np.setdiff1d(self._described, left_out))
        logits = np.zeros((len(folds), self.ways), "float32")
        rows = [np.flatnonzero(tested & (folds == fold)) for fold in np.unique(folds)]
        rows = [queries for queries in rows if len(queries)]
        tasks = [(kept & (folds != folds[queries[0]]), queries) for queries in rows]
        for queries, found in zip(rows, self.predict(tasks, left_out), strict=True):
            logits[queries] = found
        return logits, tested
