"""Labels as people have them, to numbers and names."""

import numpy as np


def label_index(labels, class_names=None, length=None):
    """Turns integer labels or names into class numbers and class names.

    Args:
        labels: integers from 0, or names.
        class_names: optional list of names. Integer labels index it; labels that
            are names take their order from it. By default integers name themselves
            and names are sorted.
        length: optional integer, how many labels there must be.

    Returns:
        A pair: int64 array of class numbers, and the list of class names.

    Raises:
        ValueError: if labels are floats, negative, of another length, or none of
            `class_names`.

    Example:

    >>> label_index(["heron", "egret", "heron"])
    (array([1, 0, 1]), ['egret', 'heron'])
    >>> label_index([1, 0], class_names=["egret", "heron"])
    (array([1, 0]), ['egret', 'heron'])
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or (length is not None and len(labels) != length):
        items = "" if length is None else f" for {length} images"
        raise ValueError(
            f"`labels` must be one label for each image: got labels of shape "
            f"{labels.shape}{items}."
        )
    if labels.dtype.kind == "f":
        raise ValueError(
            f"`labels` must be integers or names. Received floats, such as "
            f"{labels[:3].tolist()}: use `labels.astype(int)` if these are numbers of "
            f"classes."
        )
    if class_names is not None:
        class_names = [str(name) for name in class_names]
        if len(set(class_names)) != len(class_names):
            raise ValueError(f"`class_names` repeats a name: {class_names}.")
    if labels.dtype.kind in "iu":
        return _from_integers(labels.astype("int64"), class_names)
    names = [
        label.decode() if isinstance(label, bytes) else str(label) for label in labels
    ]
    return _from_names(names, class_names)


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
                f"Integer labels must count classes from 0 without gaps: {missing} "
                f"have no image. Pass labels as strings to keep them as names."
            )
        return labels, [str(number) for number in range(highest + 1)]
    if highest >= len(class_names):
        raise ValueError(
            f"Label {highest} has no name: `class_names` has {len(class_names)}."
        )
    return labels, class_names


def _from_names(labels, class_names):
    if class_names is None:
        class_names = sorted(set(labels))
    number = {name: index for index, name in enumerate(class_names)}
    strange = sorted(set(labels) - set(number))
    if strange:
        raise ValueError(f"Labels {strange[:5]} are not in `class_names`.")
    return np.asarray([number[name] for name in labels], "int64"), class_names
