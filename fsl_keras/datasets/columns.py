"""The usual names of the image and of its label, in tables and dictionaries."""

IMAGE_NAMES = (
    *("image", "image_path", "image_file", "img", "path", "file_path", "filepath"),
    *("file", "file_name", "filename", "picture"),
)
LABEL_NAMES = ("label", "class", "class_name", "category", "target")


def image_column(names):
    """Finds the name that stands for the image.

    Args:
        names: iterable of strings, such as the header of a table. Case does not matter,
            nor whether words are joined by blanks, dashes or underscores.

    Returns:
        The first of `IMAGE_NAMES` that is there, as spelled in `names`.

    Raises:
        ValueError: if none of them is there.

    Example:

    >>> image_column(["Id", "File Name", "Label"])
    'File Name'
    """
    return _required(names, IMAGE_NAMES, "image")


def label_column(names):
    """Finds the name that stands for the label, one of `LABEL_NAMES`.

    As `image_column`.
    """
    return _required(names, LABEL_NAMES, "label")


def has_labels(names):
    """Returns whether one of the names stands for the label."""
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
