"""What figures say of classes: their numbers, their names, and the letters drawn."""

import matplotlib
import numpy as np

INK = "#262626"
NAME_SIZE = 9  # points
SYMBOLS = "DejaVu Sans"  # Matplotlib brings it along, and it has ✓ and ✗


def class_ids(labels, count, what):
    """Returns the class number of each example.

    Args:
        labels: integers `[count]` or one-hot `[count, N]`; -1 or all zeros is
            padding.
        count: integer, the number of examples.
        what: string, what errors call the labels.

    Returns:
        Integers `[count]`, -1 at padding.

    Raises:
        ValueError: if these are no labels, too few or too many, or all padding.

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
            f"padding; given {labels.dtype} of shape {labels.shape}. From names: "
            f"`class_names, {what} = np.unique(names, return_inverse=True)`."
        )
    return labels


def names_of(classes, class_names, longest=28):
    """Returns what to call each class, in one line of few letters.

    Args:
        classes: integers, the numbers of the classes.
        class_names: sequence of strings, the name of class `i` at position `i`; or
            None, to call it `class i`.
        longest: integer, the letters that a name may have.

    Raises:
        ValueError: if there is no name for one of the classes.

    Example:

    >>> names_of([0, 2], ["heron", "egret", "great cormorant"], longest=10)
    ['heron', 'great…rant']
    """
    if class_names is None:
        return [f"class {i}" for i in classes]
    if len(class_names) <= max(classes):
        raise ValueError(
            f"`class_names` must name classes 0 to {max(classes)}; given "
            f"{len(class_names)} names. Give one a class, in the order of the labels."
        )
    return [_shorten(class_names[i], longest) for i in classes]


def write(axes, x, y, text, **style):
    """Writes text to the right of the middle of its left edge, and returns it."""
    style = {"color": INK, "va": "center", **style}
    # Names are data: a dollar sign in one does not begin a formula.
    return axes.text(x, y, text, fontfamily=_fonts(), parse_math=False, **style)


def write_ticks(axis, names, size=NAME_SIZE):
    """Writes a name at each of the places 0, 1, 2, ... of an axis."""
    style = {"fontsize": size, "fontfamily": _fonts(), "parse_math": False}
    axis.set_ticks(range(len(names)), names, **style)


def add_legend(owner, handles, names, loc):
    """Adds a legend to a figure or to axes, in more columns where it is long."""
    style = {"fontsize": NAME_SIZE, "frameon": False, "ncols": 1 + len(names) // 25}
    legend = owner.legend(handles, names, loc=loc, **style)
    for text in legend.get_texts():
        text.set(fontfamily=_fonts(), parse_math=False)


def _shorten(name, longest):
    """Cuts the middle out of a long name: its start and its end tell the most."""
    name = " ".join(str(name).split())
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return f"{name[: longest - 1 - tail]}…{name[-tail:]}"


def _fonts():
    """Returns the reader's fonts, and one that has the symbols theirs may lack."""
    return [*matplotlib.rcParams["font.family"], SYMBOLS]
