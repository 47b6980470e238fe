"""Opening of a saved classifier."""

import pathlib
from collections.abc import Iterator

import keras
import numpy as np

from fsl_keras.app.examples import Example, ExampleSet
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.classifier.stored_features import stored_features
from fsl_keras.digests import item_digest
from fsl_keras.typing import Model, Path


def open_classifier(path: Path) -> Model:
    """Loads a classifier that was uploaded.

    Files that contain code of their own are refused, as `keras.saving.load_model`
    refuses them.

    Args:
        path: path of a `.keras` file.

    Returns:
        A `FewShotClassifier`.

    Raises:
        ValueError: if the file holds no classifier of this package.
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise ValueError(
            f"{path.name} is not a classifier: choose a .keras file that was "
            f"downloaded here. Other formats cannot be taught."
        )
    try:
        classifier = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # a damaged archive raises any, such as IndexError
        raise ValueError(
            f"{path.name} cannot be opened: it is damaged, or not a Keras file."
        ) from error
    if not isinstance(classifier, FewShotClassifier):
        raise ValueError(
            f"{path.name} is a {type(classifier).__name__} and not a classifier: "
            f"choose a file that was downloaded here or written by `fsl-keras adapt`."
        )
    return classifier


def examples_of(classifier: Model, ids: Iterator[int]) -> ExampleSet:
    """Returns the examples of a classifier, an `ExampleSet`.

    They have features and no pictures. Of texts, a classifier has the first 1,000
    characters, which may be all.

    Args:
        classifier: a `FewShotClassifier`.
        ids: iterator of integers, the ids of the examples.

    Raises:
        ValueError: if the examples cannot be changed one by one.
    """
    learned = classifier.task.learned
    if learned.are_descriptions.any():
        raise ValueError(
            "This classifier has descriptions of classes, which cannot be shown here."
        )
    features = stored_features(classifier)
    if features is None or learned.owners is None:
        raise ValueError(
            "This classifier has no features of its examples: it was saved by an "
            "earlier version, or it has very many. Teach its classes again."
        )
    rows = zip(learned.pairs.tolist(), learned.sources, strict=True)
    return ExampleSet(
        _example(
            next(ids),
            classifier.class_names[number],
            source,
            digest,
            np.asarray(features[learned.owners == row]),
            classifier.item_kind == "text" and isinstance(source, str),
        )
        for row, ((digest, number), source) in enumerate(rows)
    )


def _example(id, class_name, source, digest, features, is_text):
    if is_text:
        original = source if item_digest(source) == digest else None
        return Example(id, class_name, source, digest, features, original=original)
    is_path = isinstance(source, str)
    name = pathlib.PurePath(source).name if is_path else f"{source}"
    return Example(id, class_name, name, digest, features)
