"""Opening of a saved classifier."""

import pathlib
import zipfile

import keras

from fsl_keras.classifier import FewShotClassifier
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
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path.name} cannot be opened: it is damaged, or not a Keras file."
        ) from error
    if not isinstance(classifier, FewShotClassifier):
        raise ValueError(
            f"{path.name} is a {type(classifier).__name__} and not a classifier: "
            f"choose a file that was downloaded here or written by `fsl-keras adapt`."
        )
    return classifier
