"""Labels in any form, converted to class numbers and class names."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

# The names of the types of pandas's missing values, as pandas is not required.
_MISSING_TYPES = ("NAType", "NaTType")


def label_index(
    labels: Any, class_names: Sequence[str] | None = None, length: int | None = None
) -> tuple[np.ndarray, list[str]]:
    """Converts labels to class numbers and class names.

    Names are compared in Unicode's composed form (NFC), so the name of a folder on
    macOS equals the same name on another system.

    Args:
        labels: integers from 0, or names: a list, an array, a tensor, a pandas Series
            or Categorical; or one-hot rows `[n, classes]`. Booleans are 0 and 1.
        class_names: optional list of names, in the order of classes, which integer
            labels index. By default the sorted names, or integers as strings.
        length: optional integer, the expected number of labels.

    Returns:
        A pair: int64 array of class numbers, and the list of class names.

    Raises:
        ValueError: if labels are missing (None, NaN, blank), floats, negative, partly
            numbers and partly names, of another length, or not in `class_names`.

    Example:

    >>> label_index(["heron", "egret", "heron"])
    (array([1, 0, 1]), ['egret', 'heron'])
    >>> label_index([1, 0], class_names=["egret", "heron"])
    (array([1, 0]), ['egret', 'heron'])
    >>> label_index([[0, 1], [1, 0]])
    (array([1, 0]), ['0', '1'])
    """
    labels = clean_labels(labels, length)
    if class_names is not None:
        class_names = [class_name_of(name) for name in class_names]
        if len(set(class_names)) != len(class_names):
            more = "..." if len(class_names) > 10 else ""
            raise ValueError(f"`class_names` repeats a name: {class_names[:10]}{more}.")
    if isinstance(labels, list):
        return _from_names(labels, class_names)
    if labels.dtype.kind == "b":
        class_names = class_names or ["False", "True"]
    return _from_integers(labels.astype("int64"), class_names)


def label_names(
    labels: Any, class_names: Sequence[str], length: int | None = None
) -> list[str]:
    """Returns the class name of each label.

    Unlike in `label_index`, names need not be among `class_names`.

    Args:
        labels: as in `label_index`.
        class_names: list of names, which integer labels index.
        length: optional integer, how many labels there must be.

    Returns:
        A list of strings.

    Raises:
        ValueError: as `label_index`, except for names that are not in `class_names`.

    Example:

    >>> label_names([1, 0], ["egret", "heron"])
    ['heron', 'egret']
    >>> label_names(["ibis"], ["egret", "heron"])
    ['ibis']
    """
    labels = clean_labels(labels, length)
    if isinstance(labels, list):
        # Class names of classifiers of earlier versions may be in another form.
        known = {unicodedata.normalize("NFC", name): name for name in class_names}
        return [known.get(name) or name for name in labels]
    numbers, _ = _from_integers(labels.astype("int64"), class_names)
    return [class_names[number] for number in numbers]


def class_name_of(name: str | bytes | int) -> str:
    """Returns the name of a class as a string, in Unicode's composed form.

    Args:
        name: string, bytes in UTF-8, or an integer, which becomes its digits.

    Raises:
        ValueError: if it is something else, or blank.

    Example:

    >>> class_name_of(3), class_name_of(b"heron")
    ('3', 'heron')
    """
    plain = as_python(name)
    if isinstance(plain, bytes):
        plain = plain.decode()
    if isinstance(plain, int):
        plain = str(plain)
    if not isinstance(plain, str) or not plain.strip():
        raise ValueError(
            f"The name of a class must be a string that is not blank. Received: "
            f"{plain!r}"
        )
    return unicodedata.normalize("NFC", plain)


def clean_labels(labels: Any, length: int | None = None) -> Any:
    """Returns labels as an array of integers or booleans, or as a list of names.

    Args:
        labels: as in `label_index`.
        length: optional integer, how many labels there must be.

    Raises:
        ValueError: as `label_index`, for errors that do not depend on class names.
    """
    labels = _as_array(labels)
    if length is not None and len(labels) != length:
        raise ValueError(
            f"`labels` must be one label for each item. Received: labels of shape "
            f"{labels.shape} for {length} items."
        )
    if len(labels) == 0:
        return np.zeros(0, "int64")
    if labels.ndim != 1:
        labels = _from_rows(labels)
    missing = _missing(labels)
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {len(labels)} labels are missing (None, NaN or blank), "
            f"those of rows {_some(missing)}. Add the class names, or remove these "
            f"rows."
        )
    if labels.dtype.kind == "f":
        raise ValueError(
            f"`labels` must be integers or names. Received floats, such as "
            f"{labels[:3].tolist()}: use `labels.astype(int)` if they are class "
            f"numbers."
        )
    if labels.dtype.kind in "iub":
        return labels
    if labels.dtype.kind not in "OUS":
        raise ValueError(
            f"`labels` must be integers or names. Received: {labels.dtype.name}"
        )
    return _names(labels.tolist())


def _as_array(labels):
    if hasattr(labels, "to_numpy"):  # pandas
        labels = labels.to_numpy()
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__iter__"):
        raise ValueError(
            f"`labels` must be one label for each item. Received: {labels!r}"
        )
    if hasattr(labels, "shape"):
        return np.asarray(labels)
    labels = [as_python(label) for label in labels]
    # NumPy would convert numbers among names to names.
    if {type(label) for label in labels} <= {int, bool, float, np.ndarray, list, tuple}:
        return np.asarray(labels)
    array = np.empty(len(labels), object)
    array[:] = labels
    return array


def as_python(label: Any) -> Any:
    """Returns a scalar of TensorFlow or NumPy as one of Python.

    Example:

    >>> as_python(np.float32(2.5)), as_python("heron")
    (2.5, 'heron')
    """
    if hasattr(label, "numpy"):
        label = label.numpy()
    if isinstance(label, np.generic) or getattr(label, "shape", None) == ():
        label = label.item()
    return label


def _from_rows(labels):
    """Returns the class numbers of one-hot rows, or of a column of them."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    is_one_hot = (
        labels.ndim == 2
        and labels.dtype.kind in "iufb"
        and ((labels == 0) | (labels == 1)).all()
        and (labels.sum(axis=1) == 1).all()
    )
    if not is_one_hot:
        raise ValueError(
            f"`labels` must be one label for each item, or one-hot rows with a single "
            f"1 in each. Received: labels of shape {labels.shape}"
        )
    return labels.argmax(axis=1)


def _missing(labels):
    """Returns the rows of the labels that are missing."""
    if labels.dtype.kind in "iub":
        return []
    if labels.dtype.kind == "f":
        return np.flatnonzero(np.isnan(labels))
    is_text = labels.dtype.kind == "U"

    def is_no_name(label):
        label = as_python(label)
        if isinstance(label, (str, bytes)):
            # NumPy converts a NaN among names to this name.
            return not label.strip() or (is_text and label == "nan")
        return is_missing(label)

    return [row for row, label in enumerate(labels.tolist()) if is_no_name(label)]


def is_missing(value: Any) -> bool:
    """Returns whether a value is None, NaN or one of pandas's missing values.

    Example:

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    value = as_python(value)
    is_nan = isinstance(value, float) and np.isnan(value)
    return value is None or bool(is_nan) or type(value).__name__ in _MISSING_TYPES


def _names(labels):
    """Returns a list of names, or an array where all labels are integers."""
    labels = [as_python(label) for label in labels]
    kinds = {type(label) for label in labels}
    if kinds == {bool} or kinds == {int}:
        return np.asarray(labels)
    others = [row for row, x in enumerate(labels) if not isinstance(x, (str, bytes))]
    if others:
        raise ValueError(
            f"`labels` must be all integers or all names. Received "
            f"{labels[others[0]]!r} in row {others[0]}; {len(labels) - len(others)} of "
            f"the {len(labels)} labels are names. Pass numbers that are names as "
            f"strings."
        )
    return [class_name_of(label) for label in labels]


def _from_integers(labels, class_names):
    if len(labels) and labels.min() < 0:
        raise ValueError(
            f"`labels` must not be negative. Received {labels.min()} at position "
            f"{int(labels.argmin())}."
        )
    highest = int(labels.max(initial=-1))
    if class_names is None:
        present = np.unique(labels)
        if len(present) != highest + 1:
            missing = sorted(set(range(highest + 1)) - set(present.tolist()))[:5]
            raise ValueError(
                f"Integer labels must number the classes from 0 without gaps: "
                f"{missing} have no item. Pass labels as strings to keep them as "
                f"names."
            )
        return labels, [str(number) for number in range(highest + 1)]
    if highest >= len(class_names):
        raise ValueError(
            f"Label {highest} has no name: `class_names` has {len(class_names)}."
        )
    return labels, class_names


def _from_names(labels, class_names):
    found = sorted(set(labels))
    check_blanks(found if class_names is None else class_names)
    if class_names is None:
        class_names = found
    number = {name: index for index, name in enumerate(class_names)}
    unknown = [name for name in found if name not in number]
    if unknown:
        raise ValueError(
            f"Labels {unknown[:5]} are not in `class_names`, which are "
            f"{class_names[:5]}{'...' if len(class_names) > 5 else ''}."
        )
    return np.asarray([number[name] for name in labels], "int64"), class_names


def check_blanks(names: Iterable[str]) -> None:
    """Raises an error for names that differ only by blanks at their ends.

    Args:
        names: list of strings.

    Raises:
        ValueError: if there are such names.
    """
    stripped: dict[str, str] = {}
    for name in names:
        other = stripped.setdefault(name.strip(), name)
        if other != name:
            raise ValueError(
                f"The class names {other!r} and {name!r} differ only by blanks at "
                f"their ends. Strip the names if they are one class."
            )


def _some(rows):
    return [int(row) for row in rows[:10]] + (["..."] if len(rows) > 10 else [])
