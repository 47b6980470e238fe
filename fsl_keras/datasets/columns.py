"""The usual names of images and labels in tables and dictionaries."""

from collections.abc import Iterable
from typing import Any

IMAGE_NAMES = (
    *("image", "image_path", "image_file", "img", "path", "file_path", "filepath"),
    *("file", "file_name", "filename", "picture"),
)
LABEL_NAMES = ("label", "class", "class_name", "category", "target")


def image_column(names: Iterable) -> Any:
    """Finds the name of the column of images.

    Args:
        names: iterable of strings, such as the header of a table. Case is ignored, and
            spaces, dashes and underscores are the same.

    Returns:
        The first of `IMAGE_NAMES` that occurs, as spelled in `names`.

    Raises:
        ValueError: if none of them occurs.

    Example:

    >>> image_column(["Id", "File Name", "Label"])
    'File Name'
    """
    return _required(names, IMAGE_NAMES, "image")


def label_column(names: Iterable) -> Any:
    """Finds the name of the column of labels, one of `LABEL_NAMES`.

    See `image_column`.
    """
    return _required(names, LABEL_NAMES, "label")


def has_labels(names: Iterable) -> bool:
    """Returns whether one of the names is that of the column of labels."""
    return _found(names, LABEL_NAMES) is not None


def _required(names, known, what):
    names = list(names)
    found = _found(names, known)
    if found is None:
        raise ValueError(
            f"No {what} found under the names {[str(name) for name in names]}. Name it "
            f"one of: {', '.join(known)}."
        )
    return found


def _found(names, known):
    plain = {
        str(name).strip().lower().replace(" ", "_").replace("-", "_"): name
        for name in reversed(list(names))
    }
    return next((plain[name] for name in known if name in plain), None)
