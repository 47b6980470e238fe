"""Models of keras-hub, from folders and presets."""

import os
import pathlib
from typing import Any

from fsl_keras.names import did_you_mean
from fsl_keras.typing import Path


def load(source: Path, *classes: Any, **kwargs: Any) -> list:
    """Loads the parts of a model.

    Args:
        source: path of a folder with a keras-hub or Hugging Face model, the name of a
            keras-hub preset, or of a model on Hugging Face.
        *classes: the classes of the parts, such as `keras_hub.models.Backbone` first
            and `keras_hub.models.Tokenizer`.
        **kwargs: further arguments of their `from_preset`.

    Returns:
        A list of the parts, of these classes or of ones derived from them.

    Raises:
        FileNotFoundError: if the folder does not exist or a file is missing, or the
            model cannot be downloaded.
    """
    path, name = pathlib.Path(source).expanduser(), os.fspath(source)
    if path.is_dir():
        name = str(path)
        _check_folder(path)
    elif (
        isinstance(source, os.PathLike) or name[:1] in tuple("./~") or name[-1:] == "/"
    ):
        raise FileNotFoundError(f"There is no folder {path}.")
    elif name.count("/") == 1 and "://" not in name:
        name = f"hf://{name}"
    try:
        return [part.from_preset(name, **kwargs) for part in classes]
    except Exception as error:  # of the hubs, of files and of Keras
        reason = str(error).strip().split("\n")[0].partition(" A preset must")[0]
        hint = did_you_mean(source, classes[0].presets)
        raise FileNotFoundError(
            f"keras-hub cannot load {str(source)!r}: {reason}{hint} Give the folder of "
            f"a model, the name of a keras-hub preset, or of a model on Hugging Face."
        ) from error


def _check_folder(path):
    """Raises an error that names the missing files of a folder."""
    present = {file.name for file in path.iterdir()}
    if "metadata.json" in present:  # of keras-hub
        return
    needed = {
        "config.json": ("config.json",),
        "model.safetensors": (
            "model.safetensors",
            "model.safetensors.index.json",
            "model.weights.h5",
            "model.weights.json",
        ),
        "a vocabulary, such as vocab.txt": (
            *("vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"),
            *("tokenizer.model", "tokenizer.json"),
        ),
    }
    missing = [what for what, names in needed.items() if not present & set(names)]
    if missing:
        raise FileNotFoundError(
            f"{path} is no folder of a model: it lacks {', '.join(missing)}."
        )
