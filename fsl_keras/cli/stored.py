"""The models that the command is given as files."""

import zipfile

import keras

from fsl_keras import presets
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.models import EpisodicModel


def load_model(path):
    """Loads a learner or a classifier, or says in one line why not.

    Args:
        path: path of a .keras file or of a preset's folder, or the name of a preset.
    """
    if path.is_dir() or not path.suffix:
        return presets.from_preset(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file {path}. `fsl-keras train` makes a learner, "
            f"`fsl-keras adapt` a classifier, `fsl-keras presets` lists those of the "
            f"zoo."
        )
    try:
        return keras.saving.load_model(path)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} is no model that this version can load ({reason}). Give a .keras "
            f"file that `fsl-keras train` or `fsl-keras adapt` wrote."
        ) from error


def load_learner(path):
    """Loads a learner; anything else is an error that says how to get one."""
    model = load_model(path)
    if not isinstance(model, EpisodicModel):
        raise ValueError(
            f"{path} is no learner: give the `learner.keras` that `fsl-keras train` "
            f"writes."
        )
    return model


def load_classifier(path):
    """Loads a classifier; anything else is an error that says how to get one."""
    model = load_model(path)
    if not isinstance(model, FewShotClassifier):
        raise ValueError(
            f"{path} is a learner and knows no classes yet: make a classifier of it "
            f"with `fsl-keras adapt`."
        )
    return model
