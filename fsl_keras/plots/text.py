"""Classes in figures: their numbers, names and fonts."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np

from fsl_keras.typing import Tensor

INK = "#262626"
NAME_SIZE = 9  # points
SYMBOLS = "DejaVu Sans"  # ships with Matplotlib, and has ✓ and ✗


def class_ids(labels: Tensor, count: int, what: str) -> np.ndarray:
    """Returns the class number of each example.

    Args:
        labels: integers `[count]` or one-hot `[count, N]`; -1 or all zeros is
            padding.
        count: integer, the number of examples.
        what: string, the name of the labels in errors.

    Returns:
        Integers `[count]`, -1 at padding.

    Raises:
        ValueError: If these are not labels, not `count`, or all padding.

    Example:

    >>> class_ids([[0, 1], [0, 0], [1, 0]], 3, "labels").tolist()
    [1, -1, 0]
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = np.where(labels.any(axis=1), labels.argmax(axis=1), -1)
    integers = labels.shape == (count,) and np.issubdtype(labels.dtype, np.integer)
    if not integers or labels.max() < 0:
        raise ValueError(
            f"`{what}` must be integers [{count}] or one-hot [{count}, N], not all "
            f"padding. Received: {labels.dtype} of shape {labels.shape}. From names: "
            f"`class_names, {what} = np.unique(names, return_inverse=True)`."
        )
    return labels


def names_of(
    classes: Tensor, class_names: Sequence[str] | None, longest: int = 28
) -> list[str]:
    """Returns the name of each class, in one line and shortened.

    Args:
        classes: integers, the numbers of the classes.
        class_names: sequence of strings, the name of class `i` at index `i`; or `None`
            for the names `class i`.
        longest: integer, the maximum length of a name.

    Raises:
        ValueError: If a class has no name.

    Example:

    >>> names_of([0, 2], ["heron", "egret", "great cormorant"], longest=10)
    ['heron', 'great…rant']
    """
    if class_names is None:
        return [f"class {i}" for i in classes]
    if len(class_names) <= max(classes):
        raise ValueError(
            f"`class_names` must name classes 0 to {max(classes)}. Received: "
            f"{len(class_names)} names. Pass one per class, in the order of the labels."
        )
    return [_shorten(class_names[i], longest) for i in classes]


def write(axes: Any, x: float, y: float, text: str, **style: Any) -> Any:
    """Writes left-aligned, vertically centered text, and returns it."""
    style = {"color": INK, "va": "center", **style}
    # A dollar sign in a name does not begin a formula.
    return axes.text(x, y, text, fontfamily=_fonts(), parse_math=False, **style)


def write_ticks(axis: Any, names: Sequence[str], size: float = NAME_SIZE) -> None:
    """Writes names at the positions 0, 1, 2, ... of an axis."""
    style = {"fontsize": size, "fontfamily": _fonts(), "parse_math": False}
    axis.set_ticks(range(len(names)), names, **style)


def add_legend(
    owner: Any,
    handles: Iterable[Any],
    names: Sequence[str],
    *,
    loc: str,
    columns: int | None = None,
) -> None:
    """Adds a legend to a figure or to axes, in several columns if it is long."""
    columns = columns or 1 + len(names) // 25
    style = {"fontsize": NAME_SIZE, "frameon": False, "ncols": columns}
    legend = owner.legend(handles, names, loc=loc, **style)
    for text in legend.get_texts():
        text.set(fontfamily=_fonts(), parse_math=False)


def _shorten(name, longest):
    """Omits the middle of a long name."""
    name = " ".join(str(name).split())
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return f"{name[: longest - 1 - tail]}…{name[-tail:]}"


def _fonts():
    """Returns the configured fonts, and one that has the symbols they may lack."""
    return [*matplotlib.rcParams["font.family"], SYMBOLS]
