"""The folders of presets: their names and their metadata."""

import hashlib
import json
import pathlib
from typing import Any

from fsl_keras.files import read_json, shipped_folder
from fsl_keras.names import did_you_mean
from fsl_keras.typing import Path

# The version of the layout of a preset's folder. What this version cannot read must
# have a higher one.
FORMAT = 2

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
METADATA, CARD = "metadata.json", "README.md"


def names() -> list[str]:
    """Returns the names of the presets that come with the package.

    Example:

    >>> "prototypical_conv4_omniglot" in names()
    True
    """
    return sorted(path.parent.name for path in _shipped().glob(f"*/{METADATA}"))


def find(preset: Path) -> pathlib.Path:
    """Returns the folder of a preset.

    Args:
        preset: a name of `presets.list()`, or the path of a folder.

    Raises:
        ValueError: if there is none, with the nearest name.
    """
    shipped = _shipped() / str(preset)
    if str(preset) in names():
        return shipped
    folder = pathlib.Path(preset)
    if folder.is_dir():
        return folder
    raise ValueError(
        f"There is no preset {str(preset)!r}, neither in the zoo nor as a folder."
        f"{did_you_mean(preset, names())} Presets: {', '.join(names())}."
    )


def _shipped():
    return shipped_folder("saved_models")


def metadata(preset: Path) -> dict[str, Any]:
    """Returns the metadata of a preset, a dictionary that `save` describes.

    Args:
        preset: as in `from_preset`.

    Raises:
        ValueError: if the file is damaged, or was made by a newer version.
        FileNotFoundError: if the file is missing.
    """
    folder = find(preset)
    path = folder / METADATA
    if not path.exists():
        raise FileNotFoundError(
            f"The preset {folder} has no file {METADATA}. A preset is a folder that "
            f"`presets.save` wrote: {', '.join((CONFIG, WEIGHTS, METADATA))}."
        )
    try:
        known = read_json(path)
        made_for, _ = known["format"], known["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {error}). Get the preset "
            f"again."
        ) from error
    if made_for > FORMAT:
        raise ValueError(
            f"The preset {folder} was made by fsl_keras "
            f"{known.get('versions', {}).get('fsl-keras', '?')} in format {made_for}, "
            f"and this version reads formats up to {FORMAT}: "
            f"`pip install --upgrade fsl-keras`."
        )
    # Earlier versions wrote none.
    digest = known.pop("digest", None)
    if digest is not None and digest != digest_of(known):
        raise ValueError(
            f"{path} is damaged: its content does not fit its digest. Get the preset "
            f"again, or remove the digest if the file was edited."
        )
    classes = known.get("training_classes")
    # Format 1 has them as a list.
    if isinstance(classes, dict):
        known["training_classes"] = _ungrouped(classes)
    return known


def digest_of(known: dict[str, Any]) -> str:
    """Returns the SHA-256 of metadata without their digest, in hexadecimal digits."""
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _ungrouped(groups):
    return [group + last for group, lasts in groups.items() for last in lasts]
