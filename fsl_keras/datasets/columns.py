"""The usual names of images, texts and labels in tables and dictionaries."""

from collections.abc import Iterable
from typing import Any

from fsl_keras.names import did_you_mean

IMAGE_NAMES = (
    *("image", "image_path", "image_file", "img", "path", "file_path", "filepath"),
    *("file", "file_name", "filename", "picture"),
)
TEXT_NAMES = (
    *("text", "sentence", "utterance", "query", "question", "message", "review"),
    *("comment", "phrase", "tweet", "post", "request", "content", "body"),
    *("description", "title"),
)
ITEM_NAMES = {"image": IMAGE_NAMES, "text": TEXT_NAMES}
# Where a table has numbers and names, the names.
LABEL_NAMES = (
    *("label_text", "label_name", "label", "class", "class_name", "category"),
    *("intent", "sentiment", "target"),
)


def item_column(names: Iterable, kind: str, given: Any = None) -> Any:
    """Finds the name of the column of images or of texts.

    Args:
        names: iterable of strings, such as the header of a table. Case is ignored, and
            spaces, dashes and underscores are the same.
        kind: `"image"` or `"text"`.
        given: optional name of the column, exactly as in `names`.

    Returns:
        The given name, or the first of `ITEM_NAMES[kind]` that occurs, as spelled in
        `names`.

    Raises:
        ValueError: if none of them occurs, or that name occurs twice.

    Example:

    >>> item_column(["Id", "File Name", "Label"], "image")
    'File Name'
    >>> item_column(["Id", "Subject", "Label"], "text", given="Subject")
    'Subject'
    """
    return _required(list(names), ITEM_NAMES[kind], kind, given)


def label_column(names: Iterable, given: Any = None) -> Any:
    """Finds the name of the column of labels, one of `LABEL_NAMES`.

    See `item_column`.
    """
    return _required(list(names), LABEL_NAMES, "label", given)


def has_items(names: Iterable, kind: str) -> bool:
    """Returns whether one of the names is that of the column of a kind of items."""
    return bool(_found(names, ITEM_NAMES[kind]))


def has_labels(names: Iterable) -> bool:
    """Returns whether one of the names is that of the column of labels."""
    return bool(_found(names, LABEL_NAMES))


def _required(names, known, what, given):
    found = _found(names, known) if given is None else [n for n in names if n == given]
    spelled = [str(name) for name in names]
    if not found and given is not None:
        raise ValueError(
            f"There is no column {given!r}.{did_you_mean(str(given), spelled)} The "
            f"columns are: {spelled}."
        )
    if not found:
        raise ValueError(
            f"No {what} found under the names {spelled}. Name it one of: "
            f"{', '.join(known)}."
        )
    if len(found) > 1:
        raise ValueError(
            f"The name {str(found[0])!r} of the {what} occurs {len(found)} times among "
            f"the names {spelled}. Rename or remove all but one."
        )
    return found[0]


def _found(names, known):
    """Returns all names that are the first of the known ones that occurs."""
    spelled = {}
    for name in names:
        plain = str(name).strip().lower().replace(" ", "_").replace("-", "_")
        spelled.setdefault(plain, []).append(name)
    return next((spelled[name] for name in known if name in spelled), [])
