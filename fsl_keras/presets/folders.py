"""The folders of presets: their names, and what they tell of themselves."""

import pathlib

from fsl_keras.files import read_json, shipped_folder
from fsl_keras.names import did_you_mean

# The version of the layout of a preset's folder. What this version cannot read must
# have a higher one.
FORMAT = 2

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
METADATA, CARD = "metadata.json", "README.md"


def list():
    """Returns the names of the presets that come with the package.

    Example:

    >>> "prototypical_conv4_omniglot" in list()
    True
    """
    return sorted(path.parent.name for path in _shipped().glob(f"*/{METADATA}"))


def find(preset):
    """Returns the folder of a preset: one of the zoo by its name, or a path.

    Raises:
        ValueError: if there is none, with the nearest name.
    """
    shipped = _shipped() / str(preset)
    if str(preset) in list():
        return shipped
    folder = pathlib.Path(preset)
    if folder.is_dir():
        return folder
    raise ValueError(
        f"There is no preset {str(preset)!r}, neither in the zoo nor as a folder."
        f"{did_you_mean(preset, list())} Presets: {', '.join(list())}."
    )


def _shipped():
    return shipped_folder("saved_models")


def metadata(preset):
    """Returns what a preset tells of itself, a dictionary.

    `save` says what is in it. `presets.list()` names the presets.

    Args:
        preset: as in `from_preset`.
    """
    folder = find(preset)
    path = folder / METADATA
    if not path.exists():
        raise FileNotFoundError(
            f"The preset {folder} has no file {METADATA}. A preset is a folder that "
            f"`presets.save` wrote: {', '.join((CONFIG, WEIGHTS, METADATA))}."
        )
    try:
        told = read_json(path)
        made_for, _ = told["format"], told["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {error}). Get the preset "
            f"again."
        ) from error
    if made_for > FORMAT:
        raise ValueError(
            f"The preset {folder} was made by fsl_keras "
            f"{told.get('versions', {}).get('fsl-keras', '?')} in format {made_for}, "
            f"and this version reads up to {FORMAT}: "
            f"`pip install --upgrade fsl-keras`."
        )
    classes = told.get("training_classes")
    # Format 1 has them as a list.
    if isinstance(classes, dict):
        told["training_classes"] = _ungrouped(classes)
    return told


def _ungrouped(groups):
    return [group + last for group, lasts in groups.items() for last in lasts]
