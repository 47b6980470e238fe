"""Turned and mirrored pictures of classes as further classes."""

import numpy as np

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.items import MemoryItems


def with_rotations(data):
    """Adds each class turned by 90, 180 and 270 degrees as three further classes.

    A character on its side is another character: a network meets four times as many
    classes. A class that looks the same when turned is then there several times, which
    does little harm where classes are many.

    Reference:

    - [Santoro et al., 2016](https://arxiv.org/abs/1605.06065), section 4.1

    Args:
        data: `ClassDataset` of square pictures in memory.

    Returns:
        A `ClassDataset` of four times as many classes, the further ones named
        `name/rot090`, `name/rot180` and `name/rot270`.

    Raises:
        ValueError: if items are no square pictures in memory.

    Example:

    >>> pictures = np.zeros((6, 28, 28, 1), "uint8")
    >>> data = ClassDataset.from_arrays(pictures, [0, 0, 0, 1, 1, 1])
    >>> with_rotations(data).class_names[:4]
    ['0', '1', '0/rot090', '1/rot090']
    """
    values = _pictures(data)
    if values.shape[1] != values.shape[2]:
        raise ValueError(
            f"Turning by 90 degrees takes square pictures. {data.name} has pictures of "
            f"{values.shape[1]} x {values.shape[2]} pixels."
        )
    turned = {f"rot{90 * k:03d}": np.rot90(values, k, axes=(1, 2)) for k in (1, 2, 3)}
    return _with_copies(data, values, turned, "rotations")


def with_reflections(data):
    """Adds the mirror images of each class as a further class.

    Works as `with_rotations` does.

    Args:
        data: `ClassDataset` of pictures in memory.

    Returns:
        A `ClassDataset` of twice as many classes, the further ones named
        `name/mirrored`.

    Raises:
        ValueError: if items are no pictures in memory.
    """
    values = _pictures(data)
    return _with_copies(data, values, {"mirrored": values[:, :, ::-1]}, "reflections")


def _pictures(data):
    values = getattr(data.items, "values", None)
    if values is None or values.ndim != 4:
        raise ValueError(
            f"Turning and mirroring takes pictures in memory. {data.name} has items of "
            f"shape {data.item_shape} in {type(data.items).__name__}: raise "
            f"`memory_limit` of `from_directory` where they are files."
        )
    return values


def _with_copies(data, values, copies, what):
    rows, names = [*data.class_rows], [*data.class_names]
    for number, suffix in enumerate(copies, start=1):
        rows += [number * len(values) + own for own in data.class_rows]
        names += [f"{name}/{suffix}" for name in data.class_names]
    items = MemoryItems(np.concatenate([values, *copies.values()]))
    return ClassDataset(items, rows, names, f"{data.name} with {what}", data.skipped)
