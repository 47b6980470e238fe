"""Examples that are given as features, which were computed before."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras.classifier.learning import REMEMBERED, learn
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.datasets.folders import listed
from fsl_keras.datasets.labels import label_index
from fsl_keras.typing import Model, Nested


def learn_features(
    learner: Model,
    features: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
) -> tuple[Nested, LearnedExamples, list[str]]:
    """Learns classes from features.

    Args:
        learner: a learner.
        features: float array `[n, *feature]`.
        labels: `n` integers or names, or one-hot rows.
        class_names: optional list of names.

    Returns:
        A tuple: the memory, the `LearnedExamples` in it, and the names of the classes.

    Raises:
        ValueError: if the features are of another shape than the learner's, or are not
            finite, labels and features do not match, or a class has no example.
    """
    features = checked_features(learner, features)
    numbers, names = label_index(labels, class_names, len(features))
    counts = np.bincount(numbers, minlength=len(names))
    if not counts.all():
        empty = [names[number] for number in np.flatnonzero(counts == 0)]
        raise ValueError(
            f"The classes {listed(empty)} have no example. Give them one or leave them "
            f"out of `class_names`."
        )
    rows = np.arange(len(features))
    batches = (
        (features[part], numbers[part], rows[part])
        for start in range(0, len(features), REMEMBERED)
        for part in [slice(start, start + REMEMBERED)]
    )
    memory, learned = learn(learner, batches, len(names), embed=lambda part: part)
    return memory, learned, names


def checked_features(learner: Model, features: Any) -> np.ndarray:
    """Returns features as a float32 array; raises an error if they are not valid."""
    features = np.asarray(features, "float32")
    wanted = tuple(getattr(learner, "embedding_shape", learner.item_shape))
    if features.shape[1:] != wanted or not len(features):
        shape = ", ".join(["n", *map(str, wanted)])
        raise ValueError(
            f"`features` must be an array [{shape}], the features of this learner, as "
            f"`learner.features(items)` returns them. Received: features of shape "
            f"{features.shape}"
        )
    is_finite = np.isfinite(features.reshape(len(features), -1)).all(axis=1)
    if not is_finite.all():
        raise ValueError(
            f"The features of index {np.flatnonzero(~is_finite)[:5].tolist()} hold NaN "
            f"or infinite values. Remove or correct them."
        )
    return features
