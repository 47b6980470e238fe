"""How a classifier is made from the examples of its classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.classifier.descriptions import Descriptions, learn_descriptions
from fsl_keras.classifier.learning import learn
from fsl_keras.classifier.predictions import UNKNOWN
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.layers import ImagePreprocessing
from fsl_keras.model_selection import (
    BaseCalibration,
    Calibration,
    SupportSet,
    calibrate,
)
from fsl_keras.progress import Progress
from fsl_keras.typing import Model, Nested

# Estimates use this many examples at most, the first ones of each class, so that their
# features fit in memory.
MOST_ESTIMATED = 10_000


def check_learner(learner: Model) -> None:
    """Raises an error if a learner cannot become a classifier."""
    if not hasattr(learner, "score"):
        raise ValueError(
            f"`learner` must be a learner, such as "
            f"`fsl_keras.models.PrototypicalNetwork`. Received: learner={learner!r}"
        )
    if learner.kind == "transductive":
        raise ValueError(
            "A transductive learner cannot become a classifier, because its "
            "predictions depend on the other queries. Use `learner.adapt`, which uses "
            "an inductive copy if there is one."
        )
    if learner.item_kind == "text" and not hasattr(learner, "head"):
        raise ValueError(
            f"{type(learner).__name__} cannot become a classifier of texts, because it "
            f"would store the texts as they are. Use a learner with a backbone that "
            f"takes texts, such as `fsl_keras.models.TransferLearner`."
        )


def preprocessing_for(
    learner: Model,
    invert: bool,
    value_range: tuple[float, float] | None,
    resize: str,
) -> ImagePreprocessing | None:
    """Returns the preprocessing of images for a learner; None for other items."""
    if learner.item_kind == "text" and (invert or value_range or resize != "stretch"):
        raise ValueError(
            "This learner takes texts: `invert`, `value_range` and `resize` are for "
            "images."
        )
    if len(learner.item_shape) != 3:
        return None
    *size, channels = learner.item_shape
    return ImagePreprocessing(size, channels, invert, value_range, resize)


def check_estimated(examples: inputs.Examples | None) -> None:
    """Raises an error if there are no examples to estimate an accuracy on."""
    if examples is None:
        raise ValueError(
            "`leave_one_out` and `false_reject_rate` need examples, and there are "
            "descriptions alone: leave them out, or provide texts of each class."
        )


def support_set_for(class_names: Sequence[str]) -> SupportSet:
    """Returns an empty support set of bounded size for estimates.

    Raises:
        ValueError: if there are so many classes that two examples of each are too many.
    """
    if 2 * len(class_names) > MOST_ESTIMATED:
        raise ValueError(
            f"`leave_one_out` and `false_reject_rate` compare the examples of all "
            f"classes with one another, for {MOST_ESTIMATED // 2} classes at most. "
            f"Leave them out and use `unknown_threshold`, or calibrate a classifier of "
            f"some classes and give its `calibration` to that of all. Received: "
            f"{len(class_names)} classes"
        )
    return SupportSet(most=max(2, MOST_ESTIMATED // len(class_names)))


def learn_examples(
    learner: Model,
    examples: inputs.Examples | None,
    class_names: Sequence[str],
    descriptions: Descriptions,
    support: SupportSet | None = None,
    expansion: Model | None = None,
    verbose: int = 0,
) -> tuple[Nested, LearnedExamples]:
    """Learns labeled examples and descriptions of classes.

    Args:
        learner: a learner.
        examples: `Examples`, or None if there are descriptions alone.
        class_names: list of strings, first the classes of the examples.
        descriptions: `Descriptions`.
        support: optional `SupportSet`, to which the examples are added.
        expansion: optional `SupportExpansion`.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        A pair: the memory and the `LearnedExamples` in it.

    Raises:
        ValueError: if a class has no example that can be read.
    """
    if expansion is not None and learner.item_kind == "text":
        raise ValueError(
            "`expansion` augments images, and this learner takes texts: leave it out."
        )
    memory, learned = None, LearnedExamples()
    if examples is not None:
        batches = examples.batches(inputs.batch_size(learner.item_shape))
        if verbose and len(examples):
            noun = inputs.noun_of(learner.item_kind)
            batches = _with_progress(batches, len(examples), f"{noun}s")
        memory, learned = learn(
            learner,
            batches,
            len(class_names),
            support=support,
            expansion=expansion,
            source=examples.source,
        )
    if descriptions.texts:
        memory, learned = learn_descriptions(
            learner, descriptions, class_names, memory, learned, support
        )
    empty = np.setdiff1d(np.arange(len(class_names)), learned.classes)
    if len(empty):
        nor = " and no description" if descriptions.texts else ""
        raise ValueError(
            f"The classes {[class_names[i] for i in empty]} have no example that can "
            f"be read{nor}. Give them one or leave them out of `class_names`."
        )
    return memory, learned


def calibration_of(
    classifier: Model,
    support: SupportSet,
    false_reject_rate: float,
    negatives: Any = None,
    base_calibration: BaseCalibration | None = None,
) -> Calibration:
    """Calibrates a classifier by its examples, or in the one-shot case by base classes.

    Args:
        classifier: a `FewShotClassifier`.
        support: `SupportSet` of its examples.
        false_reject_rate: float in (0, 1).
        negatives: optional images or texts of no class.
        base_calibration: optional `BaseCalibration`.
    """
    learner, ways = classifier.learner, len(classifier.class_names)
    if len(support) == ways and base_calibration is not None:
        return base_calibration.at(false_reject_rate)
    if negatives is not None:
        negatives = inputs.Examples(
            negatives, UNKNOWN, None, classifier.preprocessing, classifier.item_kind
        )
        batches = negatives.batches(inputs.batch_size(learner.item_shape))
        negatives = np.concatenate([learner.features(items) for items, *_ in batches])
    return calibrate(learner, support, ways, false_reject_rate, negatives)


def _with_progress(batches, total, label):
    """Yields batches of examples under a progress bar."""
    with Progress(total, label) as progress:
        for items, numbers, rows in batches:
            yield items, numbers, rows
            progress.update(int(rows[-1]) + 1)
