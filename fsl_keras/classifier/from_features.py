"""Makes a classifier of examples whose features are known."""

from collections.abc import Sequence

import numpy as np

from fsl_keras.classifier.few_shot_classifier import FewShotClassifier
from fsl_keras.classifier.learning import relearn
from fsl_keras.classifier.task_examples import MAX_VALUES, LearnedExamples
from fsl_keras.typing import Model


def classifier_from_features(
    learner: Model,
    class_names: Sequence[str],
    preprocessing: Model | None,
    fingerprint: str,
    examples: LearnedExamples,
) -> FewShotClassifier:
    """Returns the classifier of examples, which are not embedded again.

    Args:
        learner: a learner that is deployable.
        class_names: list of strings.
        preprocessing: optional `ImagePreprocessing`.
        fingerprint: string, `fingerprint_of(learner)`.
        examples: `LearnedExamples` with `features` and `owners`. Features that the
            memory holds too, or that are too many to store, are removed from them.
    """
    classifier = FewShotClassifier(
        learner, class_names, preprocessing, fingerprint=fingerprint
    )
    memory = relearn(learner, examples, len(class_names))
    if learner.memory_holds_features:
        examples = examples.with_features(None)
    elif np.asarray(examples.features).size > MAX_VALUES:
        examples = LearnedExamples(examples.pairs, examples.ids, examples.sources)
    classifier.know(class_names, memory, examples)
    return classifier
