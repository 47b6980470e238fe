"""Loads the models that are arguments of commands."""

import importlib
import importlib.util
import os
import pathlib
import sys
import tempfile

from fsl_keras.files.space import raise_if_full
from fsl_keras.typing import Model


def import_modules(names: list[str] | None) -> None:
    """Imports modules that register layers with Keras.

    Args:
        names: optional list of strings, Python files or names of modules, which may
            lie in the current folder.

    Raises:
        ImportError: if one cannot be found or imported, with the reason.
    """
    if names and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    for name in names or ():
        try:
            if name.endswith(".py"):
                _import_file(pathlib.Path(name))
            else:
                importlib.import_module(name)
        except Exception as error:
            raise ImportError(
                f"--import {name} cannot be imported: {type(error).__name__}: {error}"
            ) from error


def load_model(path: pathlib.Path) -> Model:
    """Loads a learner or a classifier; raises an error with the reason if it cannot.

    Args:
        path: path of a .keras file or of a preset's folder, or the name of a preset.
    """
    import keras

    from fsl_keras import presets

    if path.is_dir() or not path.suffix:
        return presets.from_preset(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file {path}. `fsl-keras train` makes a learner, "
            f"`fsl-keras adapt` a classifier, `fsl-keras presets` lists those of the "
            f"zoo."
        )
    if path.suffix not in (".keras", ".h5"):
        raise ValueError(
            f"{path} is not a .keras file. Give one that `fsl-keras train` or "
            f"`fsl-keras adapt` wrote."
        )
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # a damaged archive raises any, such as IndexError
        # Keras unpacks the file there.
        raise_if_full(error, tempfile.gettempdir())
        raise ValueError(
            f"{path} cannot be loaded. Give a .keras file that `fsl-keras train` or "
            f"`fsl-keras adapt` wrote, and give the Python file of its own layers, if "
            f"it has any, with --import. The reason: {_reason(error)}"
        ) from error


def load_learner(path: pathlib.Path) -> Model:
    """Loads a learner; raises an error for other models."""
    from fsl_keras.models import EpisodicModel

    model = load_model(path)
    if not isinstance(model, EpisodicModel):
        raise ValueError(
            f"{path} is not a learner: give the `learner.keras` that `fsl-keras train` "
            f"writes."
        )
    return model


def load_classifier(path: pathlib.Path) -> Model:
    """Loads a classifier; raises an error for other models."""
    from fsl_keras.classifier import FewShotClassifier

    model = load_model(path)
    if not isinstance(model, FewShotClassifier):
        raise ValueError(
            f"{path} is a learner, which has no classes: make a classifier of it with "
            f"`fsl-keras adapt`."
        )
    return model


def _reason(error):
    """Returns why Keras could not load a model, without its whole configuration."""
    if not isinstance(error, ValueError | OSError | TypeError):
        # Not one that Keras raises of its own accord.
        return f"the file may be damaged ({type(error).__name__}: {error})."
    text = str(error).split("Exception encountered: ")[-1]
    return text.split("Full object config: ")[0].strip()


def _import_file(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # Keras finds the classes of a file by the name of its module.
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
