"""Learning one session after another, tested after each."""

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import features
from fsl_keras.continual.exemplars import ExemplarMemory
from fsl_keras.continual.fine_tuned_classifier import FineTunedClassifier
from fsl_keras.continual.fine_tuning import FineTuningLearner
from fsl_keras.continual.renamed import KnownClasses
from fsl_keras.continual.report import ContinualReport
from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.labels import class_name_of
from fsl_keras.models import EpisodicModel, MetricModel

# The number of test examples that are scored at a time.
BATCH = 256


def evaluate(
    learner: EpisodicModel | FineTuningLearner,
    sessions: Sequence[ClassDataset | tuple[Any, Any]],
    test: ClassDataset | tuple[Any, Any],
    name: str | None = None,
    exemplars: ExemplarMemory | None = None,
    joint: bool = True,
    cache: bool = True,
) -> ContinualReport:
    """Learns sessions one after the other, and measures the accuracy after each.

    The first session makes a classifier by `learner.adapt`. In later ones the
    classifier gains their new classes and examples by `add_examples`, without the
    examples of earlier sessions. After each session it is tested on the test examples
    of all classes seen so far.

    With `exemplars`, each session is learned by `learner.adapt` of its examples and the
    exemplars of earlier ones instead. A learner that stores examples then takes a
    bounded memory.

    Each item passes through the backbone once, before the first session, unless it is
    the backbone of a `FineTuningLearner`, which trains it.

    Args:
        learner: a learner that can add classes, such as
            `TransferLearner(backbone, "lda")`, or a `FineTuningLearner`.
        sessions: list of `ClassDataset`, or of pairs `(items, labels)` of an array of
            items, see `ClassDataset.from_arrays`, and the name of the class of each.
            Classes are the same if their names are.
        test: test examples of all classes, in the same form. Further classes in it are
            not used.
        name: optional string, the name of the learner in the report.
        exemplars: optional empty `ExemplarMemory`, such as `HerdingExemplars`. Its
            items are embeddings if the learner has a backbone. A `FineTuningLearner`
            has its own.
        joint: bool, whether to measure the accuracy of the learner that learns the
            examples of all sessions at once as well.
        cache: bool, whether features are looked up and kept on disk, see
            `features.embed`.

    Returns:
        A `ContinualReport`.

    Raises:
        ValueError: if there is no session, one is empty, a class has no test examples,
            the learner cannot add classes, or it has exemplars of its own and others
            are given.

    Warns:
        UserWarning: if a new class is like a known class of another name, by the
            distance of their mean embeddings.

    Example:

    >>> import keras
    >>> from fsl_keras.models import TransferLearner
    >>> embeddings = keras.Input((2,))
    >>> identity = keras.Model(embeddings, keras.layers.Identity()(embeddings))
    >>> items = np.array([[0.0, 0], [0, 1], [9, 0], [9, 1], [0, 9], [1, 9]], "float32")
    >>> names = ["ash", "ash", "birch", "birch", "elm", "elm"]
    >>> report = evaluate(
    ...     TransferLearner(identity, "lda"),
    ...     sessions=[(items[:4], names[:4]), (items[4:], names[4:])],
    ...     test=(items, names))
    >>> report.last_accuracy, report.forgetting, report.joint_gap
    (1.0, 0.0, 0.0)
    """
    if exemplars is not None and isinstance(learner, FineTuningLearner):
        raise ValueError(
            "`exemplars` are an argument of a learner that is trained on sessions: "
            "`FineTuningLearner(backbone, exemplars=...)`."
        )
    parts = [
        _examples(session, learner, cache, f"Session {number}")
        for number, session in enumerate(sessions)
    ]
    if not parts:
        raise ValueError("`sessions` is empty: there is nothing to learn.")
    if exemplars is not None and exemplars.items is not None:
        raise ValueError("`exemplars` has items already: make a new one for each call.")
    tested = _examples(test, learner, cache, "`test`")
    _check_tested(parts, tested)
    name = name or learner.name
    has_embeddings = _is_frozen(learner)
    if has_embeddings:
        learner = learner.on_features()
    classifier, known = None, KnownClasses()
    session_of: dict[str, int] = {}
    tables = np.full((len(parts),) * 3, np.nan)
    classes, sizes, seconds = [], [], []
    for number, (items, names) in enumerate(parts):
        if has_embeddings:
            _warn_of_renamed(known.alike(items, names), number)
            known.add(items, names)
        classes.append([c for c in dict.fromkeys(names) if c not in session_of])
        session_of |= dict.fromkeys(classes[-1], number)
        start = time.perf_counter()
        if exemplars is None:
            if classifier is None:
                classifier = learner.adapt(items, names)
            else:
                classifier.add_examples(items, names)
            sizes.append(_memory_bytes(classifier))
        else:
            classifier = _replay(learner, exemplars, items, names)
            sizes.append(exemplars.nbytes)
        seconds.append(time.perf_counter() - start)
        tables[number, : number + 1, : number + 1] = _accuracies(
            classifier, tested, session_of, number
        )
    sessions_of_tests = [session_of[c] for c in tested[1] if c in session_of]
    return ContinualReport(
        name,
        tables,
        np.bincount(sessions_of_tests, minlength=len(parts)),
        classes,
        np.asarray(sizes),
        np.asarray(seconds),
        _joint_accuracy(learner, parts, tested) if joint else None,
    )


def _examples(data, learner, cache, what):
    """Returns items or embeddings as an array, and the list of their classes."""
    if not isinstance(data, ClassDataset):
        items, labels = data
        if len(labels) == 0:
            raise ValueError(f"{what} is empty: it has no examples. Leave it out.")
        data = ClassDataset.from_arrays(items, [class_name_of(c) for c in labels])
    names = np.repeat(data.class_names, data.class_sizes).tolist()
    if _is_frozen(learner):
        return features.embed_with_labels(data, learner.backbone, cache)[0], names
    return data.fetch(np.arange(len(names))).numpy(), names


def _is_frozen(learner):
    """Whether the learner has a backbone, which sessions do not change."""
    if isinstance(learner, FineTuningLearner):
        return learner.unfreeze is None
    return isinstance(learner, MetricModel)


def _check_tested(parts, tested):
    untested = {c for _, names in parts for c in names} - set(tested[1])
    if untested:
        raise ValueError(
            f"`test` has no examples of the classes {sorted(untested)[:10]}. Add some, "
            f"or check that the names of classes are the same as in `sessions`."
        )


def _warn_of_renamed(pairs, number):
    if pairs:
        named = ", ".join(f"{new!r} like {known!r}" for new, known in pairs)
        warnings.warn(
            f"Session {number} may have known classes under other names: {named}. "
            f"Their mean embeddings are as near as those of two samples of one class. "
            f"If they are the same, give both the same name.",
            stacklevel=3,
        )


def _replay(learner, exemplars, items, names):
    """Returns a classifier of a session and of exemplars, and adds it to these."""
    earlier = items[:0] if exemplars.items is None else exemplars.items
    classifier = learner.adapt(
        np.concatenate([earlier, items]), [*exemplars.labels, *names]
    )
    exemplars.add(items, names)
    return classifier


def _joint_accuracy(learner, parts, tested):
    """Returns the accuracy of a learner that learns all sessions at once."""
    items = np.concatenate([items for items, _ in parts])
    classifier = learner.adapt(items, [c for _, names in parts for c in names])
    in_one = dict.fromkeys(classifier.class_names, 0)
    return float(_accuracies(classifier, tested, in_one, 0)[0, 0])


def _memory_bytes(classifier):
    if isinstance(classifier, FineTunedClassifier):
        return classifier.memory_bytes
    return sum(value.nbytes for value in map(np.asarray, classifier.memory().values()))


def _accuracies(classifier, tested, session_of, last):
    """Returns accuracies `[last + 1, last + 1]` after session `last`.

    They are on the test examples of the classes of session `k`, predicted among those
    of sessions up to `j`, and NaN unless `k <= j` and session `k` has new classes.
    """
    items, names = tested
    rows = [row for row, name in enumerate(names) if name in session_of]
    items, names = items[rows], [names[row] for row in rows]
    logits = np.concatenate(
        [
            np.asarray(classifier.logits(items[start : start + BATCH]))
            for start in range(0, len(items), BATCH)
        ]
    )
    place = {name: number for number, name in enumerate(classifier.class_names)}
    # A class that has no exemplar left is predicted never.
    labels = np.asarray([place.get(name, -1) for name in names])
    of_class = np.asarray([session_of[name] for name in classifier.class_names])
    of_example = np.asarray([session_of[name] for name in names])
    accuracies = np.full((last + 1, last + 1), np.nan)
    for known in range(last + 1):
        candidates = np.where(of_class <= known, logits, -np.inf)
        is_right = candidates.argmax(axis=1) == labels
        for session in np.unique(of_example[of_example <= known]):
            accuracies[session, known] = is_right[of_example == session].mean()
    return accuracies
