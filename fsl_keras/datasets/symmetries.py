"""Rotated and mirrored images of classes as further classes."""

import numpy as np

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.items import MemoryItems


def with_rotations(data: ClassDataset) -> ClassDataset:
    """Adds each class rotated by 90, 180 and 270 degrees as three further classes.

    A rotated character is another character, so a network is trained on four times as
    many classes. Classes with a rotational symmetry are then duplicated, which does
    little harm if there are many classes.

    Reference:

    - [Santoro et al., 2016](https://arxiv.org/abs/1605.06065), section 4.1

    Args:
        data: `ClassDataset` of square images in memory.

    Returns:
        A `ClassDataset` of four times as many classes, the further ones named
        `name/rot090`, `name/rot180` and `name/rot270`.

    Raises:
        ValueError: if items are not square images in memory.

    Example:

    >>> images = np.zeros((6, 28, 28, 1), "uint8")
    >>> data = ClassDataset.from_arrays(images, [0, 0, 0, 1, 1, 1])
    >>> with_rotations(data).class_names[:4]
    ['0', '1', '0/rot090', '1/rot090']
    """
    values = _images(data)
    if values.shape[1] != values.shape[2]:
        raise ValueError(
            f"Rotation by 90 degrees needs square images. The images of {data.name} "
            f"have {values.shape[1]} x {values.shape[2]} pixels."
        )
    rotated = {f"rot{90 * k:03d}": np.rot90(values, k, axes=(1, 2)) for k in (1, 2, 3)}
    return _with_copies(data, values, rotated, "rotations")


def with_reflections(data: ClassDataset) -> ClassDataset:
    """Adds the mirror images of each class as a further class.

    Like `with_rotations`, with horizontal reflections.

    Args:
        data: `ClassDataset` of images in memory.

    Returns:
        A `ClassDataset` of twice as many classes, the further ones named
        `name/mirrored`.

    Raises:
        ValueError: if items are not images in memory.
    """
    values = _images(data)
    return _with_copies(data, values, {"mirrored": values[:, :, ::-1]}, "reflections")


def _images(data):
    values = getattr(data.items, "values", None)
    if values is None or values.ndim != 4:
        raise ValueError(
            f"Rotation and reflection need images in memory. {data.name} has items of "
            f"shape {data.item_shape} in {type(data.items).__name__}. Raise "
            f"`memory_limit` of `from_directory` if they are files."
        )
    return values


def _with_copies(data, values, copies, what):
    rows, names = [*data.class_rows], [*data.class_names]
    for number, suffix in enumerate(copies, start=1):
        rows += [number * len(values) + own for own in data.class_rows]
        names += [f"{name}/{suffix}" for name in data.class_names]
    items = MemoryItems(np.concatenate([values, *copies.values()]))
    return ClassDataset(items, rows, names, f"{data.name} with {what}", data.skipped)
