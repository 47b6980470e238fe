"""The most probable of very many classes, found by an approximate index."""

import numpy as np
from keras import ops

from fsl_keras.typing import Model

# The number of classes that are found and compared exactly, at least, and the most
# classes that are asked of an index.
CANDIDATES, MOST_FROM_INDEX = 64, 256

# The number of the other classes of which the exponentials of the logits are averaged.
SAMPLE = 1024


def indexed_top(
    classifier: Model, features: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Finds the most probable classes by the index of a classifier.

    The logits of the classes that the index finds are exact. The sum of the
    exponentials of all other logits, by which probabilities are divided, is estimated
    from a fixed random sample of the classes.

    Args:
        classifier: a `FewShotClassifier` with an index.
        features: array `[n, *feature]`.
        top: integer, the number of classes.

    Returns:
        A tuple: probabilities `[n, top]`, class numbers `[n, top]`, the most probable
        first, and the largest logits `[n]`. None if the index finds too few classes.
    """
    snapshot, learner = classifier.snapshot, classifier.learner
    ways = len(snapshot.class_names)
    vectors = ops.convert_to_numpy(learner.head.search_vectors(features))
    found = snapshot.index.search(vectors, max(CANDIDATES, 2 * top))
    # A class that a thread has added since is none of this snapshot.
    found = np.where(found < ways, found, found[:, :1] % ways)
    repeats = np.tril(found[:, :, None] == found[:, None], -1).any(axis=-1)
    if (np.sum(~repeats, axis=-1) < top).any():
        return None
    logits = _logits(classifier, found, features[:, None])[:, 0]
    logits = np.where(repeats, -np.inf, logits)
    sample = np.random.default_rng(0).integers(0, ways, SAMPLE)
    others = _logits(classifier, sample[None], features[None])[0]
    others = np.where((sample[:, None] == found[:, None]).any(-1), -np.inf, others)
    temperature = 1.0
    if classifier.calibration is not None:
        temperature = classifier.calibration.temperature
    largest = logits.max(axis=-1)
    exponentials, rest = (
        np.exp((values - largest[:, None]) / temperature) for values in (logits, others)
    )
    counted = np.maximum(np.isfinite(others).sum(axis=-1), 1)
    unseen = ways - (~repeats).sum(axis=-1)
    total = exponentials.sum(axis=-1) + unseen * rest.sum(axis=-1) / counted
    best = np.argsort(-logits, axis=-1, kind="stable")[:, :top]
    probabilities = np.take_along_axis(exponentials, best, -1) / total[:, None]
    return probabilities, np.take_along_axis(found, best, -1), largest


def _logits(classifier, classes, features):
    """Returns the logits `[T, M, n]` of features `[T, M, ...]` for classes `[T, n]`."""
    rows = classifier.snapshot.rows.items()
    state = {name: ops.convert_to_tensor(v.gather(classes)) for name, v in rows}
    logits = classifier.learner.score_features(state, ops.convert_to_tensor(features))
    return np.asarray(logits, "float64")
