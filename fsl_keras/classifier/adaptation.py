"""How a classifier is made of the examples of its classes."""

import numpy as np

from fsl_keras import inputs
from fsl_keras.classifier.classifier_model import checked_threshold
from fsl_keras.classifier.learning import learn
from fsl_keras.classifier.predictions import UNKNOWN
from fsl_keras.classifier.task_weights import fingerprint_of
from fsl_keras.layers import PicturePreprocessing
from fsl_keras import model_selection
from fsl_keras.model_selection.nested import calibrate
from fsl_keras.model_selection.support_set import SupportSet
from fsl_keras.progress import Progress

# Estimates are made of so many examples at most, the first ones of each class: what is
# kept of them must not fill the memory.
MOST_ESTIMATED = 10_000


def classifier_of_examples(
    cls,
    learner,
    images,
    labels,
    class_names,
    *,
    invert,
    value_range,
    unknown_threshold,
    leave_one_out,
    false_reject_rate,
    negatives,
    expansion,
    verbose,
    name,
    base_calibration,
    resize,
):
    """Makes a classifier; see `FewShotClassifier.from_examples` for the arguments."""
    checked_threshold(unknown_threshold)
    if not hasattr(learner, "score"):
        raise ValueError(f"`learner` must be a learner. Received: {learner!r}")
    if learner.kind == "transductive":
        raise ValueError(
            "A transductive learner cannot become a classifier, because its "
            "predictions depend on the other queries. Use `learner.adapt`, which takes "
            "an inductive copy of it where there is one."
        )
    if negatives is not None and false_reject_rate is None:
        raise ValueError(
            "`negatives` are used to calibrate: give `false_reject_rate` too, such as "
            "0.05, or leave them out."
        )
    preprocessing = None
    if len(learner.item_shape) == 3:
        *size, channels = learner.item_shape
        preprocessing = PicturePreprocessing(
            size, channels, invert, value_range, resize
        )
    labelled = inputs.Examples(images, labels, class_names, preprocessing)
    class_names = labelled.class_names
    support = None
    if leave_one_out or false_reject_rate is not None:
        support = SupportSet(most=max(2, MOST_ESTIMATED // len(class_names)))
    batches = labelled.batches(inputs.batch_size(learner.item_shape))
    if verbose and len(labelled):
        batches = _with_progress(batches, len(labelled))
    memory, examples = learn(
        learner,
        batches,
        len(class_names),
        support=support,
        expansion=expansion,
        source=labelled.source,
    )
    empty = np.setdiff1d(np.arange(len(class_names)), examples.classes)
    if len(empty):
        raise ValueError(
            f"The classes {[class_names[i] for i in empty]} have no example that can "
            f"be read. Give them one or leave them out of `class_names`."
        )
    classifier = cls(
        learner,
        class_names,
        preprocessing,
        unknown_threshold,
        fingerprint=fingerprint_of(learner),
        name=name,
    )
    classifier.know(class_names, memory, examples)
    if leave_one_out:
        classifier.leave_one_out = model_selection.leave_one_out(learner, support, class_names)
    if false_reject_rate is not None:
        classifier.calibration = _calibrated(
            classifier, support, false_reject_rate, negatives, base_calibration
        )
    return classifier


def _calibrated(classifier, support, false_reject_rate, negatives, base_calibration):
    """Returns a `Calibration` by the examples, or that of base classes."""
    learner, ways = classifier.learner, len(classifier.class_names)
    if len(support) == ways and base_calibration is not None:
        return base_calibration.at(false_reject_rate)
    if negatives is not None:
        negatives = inputs.Examples(negatives, UNKNOWN, None, classifier.preprocessing)
        batches = negatives.batches(inputs.batch_size(learner.item_shape))
        negatives = np.concatenate([learner.features(items) for items, *_ in batches])
    return calibrate(learner, support, ways, false_reject_rate, negatives)


def _with_progress(batches, total):
    """Yields batches of examples under a progress bar."""
    with Progress(total, "images") as progress:
        for items, numbers, rows in batches:
            yield items, numbers, rows
            progress.update(int(rows[-1]) + 1)
