"""Collects what a report shows."""

from typing import Any

import numpy as np

from fsl_keras.classifier import FewShotClassifier
from fsl_keras.classifier.classifier_report import true_names
from fsl_keras.datasets.folders import listed
from fsl_keras.inputs import Elements
from fsl_keras.reports.answers import (
    adapted,
    check_pictures,
    out_of_fold,
    predicted,
    preprocessing_of,
    support_set,
)
from fsl_keras.reports.pictures import Pictures, read_pictures, stored_pictures
from fsl_keras.reports.projection import check_projection, project
from fsl_keras.reports.report import Report
from fsl_keras.typing import Model, Path


def gather(
    model: Model,
    examples: Path | None = None,
    test: Path | None = None,
    invert: bool = False,
    resize: str = "stretch",
    false_reject_rate: float = 0.05,
    projection: str = "pca",
    verbose: int = 0,
) -> Report:
    """Reads pictures and predicts them; see `write` for the arguments."""
    check_pictures(model)
    check_projection(projection)
    is_classifier = isinstance(model, FewShotClassifier)
    if not is_classifier and examples is None:
        raise ValueError(
            "A learner has no classes of its own: give `examples`, a folder that holds "
            "a folder of images for each class."
        )
    layer = model.preprocessing if is_classifier else None
    learner = model.learner if is_classifier else model.deployable()
    layer = layer or preprocessing_of(learner, invert, resize)
    # All names are checked before a picture is read.
    example_files, example_names = _listed(examples)
    test_files, test_names = _listed(test)
    known = model.class_names if is_classifier else sorted(set(example_names))
    if is_classifier and not set(example_names) <= set(known):
        raise ValueError(
            f"`examples` has classes that the classifier does not: "
            f"{listed(sorted(set(example_names) - set(known)))}. Its classes: "
            f"{listed(known)}."
        )
    if test is not None:
        test_names = true_names(test_names, known)
    notes: list[str] = []
    found: Pictures | None
    if examples is not None:
        found = read_pictures(example_files, example_names, learner, layer, verbose)
    else:
        found = stored_pictures(model)
        notes += _missing(found)
    classifier, report, answers = model, None, None
    if found is not None:
        names = known if is_classifier else sorted(set(found.labels))
        support = support_set(names, found)
        if not is_classifier:
            classifier = adapted(
                learner, layer, names, found, support, false_reject_rate
            )
        report, answers = out_of_fold(classifier, support, len(found))
    count = 0 if found is None else len(found)
    if test is not None:
        more = read_pictures(test_files, test_names, learner, layer, verbose)
        more_answers = predicted(classifier, more)
        found = more if found is None else found + more
        answers = more_answers if answers is None else answers + more_answers
    if found is None or answers is None:
        raise ValueError(
            "There is nothing to report: the classifier holds no features of its "
            "examples. Give `examples` or `test`, a folder of images for each class."
        )
    points, axes = project(found.unit_vectors, projection)
    return Report(
        _about(classifier, is_classifier, count, len(found) - count),
        classifier.class_names,
        found,
        np.arange(len(found)) >= count,
        answers,
        report,
        classifier.calibration,
        points,
        axes,
        notes,
    )


def _listed(folder: Path | None) -> tuple[Any, list[str]]:
    if folder is None:
        return [], []
    given = Elements.labeled(folder)
    return list(given.images), [str(label) for label in given.labels]


def _missing(found):
    """Returns sentences about pictures of examples that are not there."""
    if found is None:
        return ["The classifier holds no features of its examples: give --examples."]
    missing = int((~found.is_seen).sum())
    if not missing:
        return []
    return [
        f"A classifier does not hold the pictures of its examples. {missing} of "
        f"{len(found)} are not shown, as their files are not there or have changed: "
        f"give --examples to see them."
    ]


def _about(classifier, is_given, examples, test):
    learner = classifier.learner
    head = getattr(learner, "head", None)
    height, width, _ = learner.item_shape
    return {
        "Learner": type(learner).__name__,
        **({"Head": type(head).__name__} if head is not None else {}),
        "Classifier": "as given" if is_given else "adapted to the examples",
        "Image size": f"{width} x {height}",
        "Classes": str(len(classifier.class_names)),
        "Examples": str(examples),
        "Test pictures": str(test),
    }
