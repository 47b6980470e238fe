"""The features of its examples that a classifier holds."""

import numpy as np
from keras import ops

from fsl_keras.classifier.class_memory import weighted_labels
from fsl_keras.model_selection import SupportSet
from fsl_keras.typing import Model


def stored_features(classifier: Model) -> np.ndarray | None:
    """Returns the features `[m, *feature]` of all that a classifier learned.

    `classifier.task.learned.owners` are the examples that they belong to.

    Args:
        classifier: a `FewShotClassifier`.

    Returns:
        An array, or None if the features were too many to keep, or an earlier version
        saved the classifier.
    """
    if classifier.learner.memory_holds_features:
        return ops.convert_to_numpy(classifier.task.memory["support"])[0]
    return classifier.task.learned.features


def add_descriptions(classifier: Model, support: SupportSet) -> None:
    """Adds the descriptions of classes that a classifier learned to a support set.

    Args:
        classifier: a `FewShotClassifier`.
        support: `SupportSet` of its examples.
    """
    learned, features = classifier.task.learned, stored_features(classifier)
    if features is None or not learned.are_descriptions.any():
        return
    owners = np.asarray(learned.owners)
    rows = np.flatnonzero(learned.are_descriptions[owners])
    owners = owners[rows]
    labels = weighted_labels(
        learned.classes[owners],
        len(classifier.class_names),
        learned.weights[owners][:, None],
    )
    support.describe(features[rows], labels)
