"""Attention of queries to support examples."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fsl_keras.plots.sheets import (
    FRAME,
    GAP,
    GRAY,
    RIGHT,
    TITLE_SIZE,
    WRONG,
    images_of,
)
from fsl_keras.plots.text import INK, NAME_SIZE, class_ids, names_of, write
from fsl_keras.typing import Tensor

CELL, IMAGE = 0.52, 0.44  # inches, as all lengths here
HEADER, LONGEST = 0.3, 16
BRIGHT = 0.6  # from this weight on, a cell is too dark for black numbers


def attention(
    support: Tensor,
    support_labels: Tensor,
    query: Tensor,
    weights: Tensor,
    class_names: Sequence[str] | None = None,
    query_labels: Tensor | None = None,
) -> Figure:
    """Draws how much each query attends to each support example, as a matrix.

    Rows are queries, columns are support examples, grouped by class. With
    `query_labels`, the examples of a query's own class are framed: in green with a ✓ if
    this class has the largest sum of attention, otherwise in red with a ✗.

    Args:
        support: array `[S, H, W, 1]` (drawn inverted: 0 is white, 1 is black) or
            `[S, H, W, 3]`, uint8 or floats in [0, 1].
        support_labels: integers `[S]` or one-hot `[S, N]`; -1 or all zeros is padding.
        query: array like `support`, `[M, H, W, 1]` or `[M, H, W, 3]`.
        weights: floats `[M, S]` in [0, 1], such as one task of what
            `MatchingHead.attention` returns.
        class_names: optional sequence of strings, the name of class `i` at index `i`.
        query_labels: optional labels like `support_labels`, `[M]` or `[M, N]`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If shapes, values or lengths do not match.

    Example:

    >>> import numpy as np
    >>> figure = attention(
    ...     support=np.zeros((2, 28, 28, 1)), support_labels=[0, 1],
    ...     query=np.zeros((1, 28, 28, 1)), weights=[[0.2, 0.8]],
    ...     class_names=["heron", "egret"], query_labels=[1])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['✓ egret', 'support set', 'query set', 'heron', '0.20', 'egret', '0.80']
    """
    support = images_of(support, "support")
    query = images_of(query, "query")
    labels = class_ids(support_labels, len(support), "support_labels")
    weights = _check_weights(weights, len(query), len(support))
    classes = np.unique(labels[labels >= 0])
    members = [np.flatnonzero(labels == label) for label in classes]
    truth: Tensor = ()
    is_right: Tensor = ()
    titles: Sequence[str] = ()
    if query_labels is not None:
        truth = class_ids(query_labels, len(query), "query_labels")
        real = truth >= 0
        query, weights, truth = query[real], weights[real], truth[real]
        sums = np.stack([weights[:, own].sum(axis=1) for own in members], axis=1)
        is_right = classes[sums.argmax(axis=1)] == truth
        names = names_of(truth, class_names, LONGEST)
        marks = np.where(is_right, "✓", "✗")
        titles = [f"{m} {name}" for m, name in zip(marks, names, strict=True)]

    figure = Figure(facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    top = HEADER + CELL
    bottom = top + len(query) * CELL
    left = _draw_queries(axes, query, titles, is_right, top)
    names = names_of(classes, class_names, LONGEST)
    for label, name, own in zip(classes, names, members, strict=True):
        text = write(axes, left, HEADER / 2, name, fontsize=NAME_SIZE, ha="center")
        # A group is as wide as its images or its name.
        width = max(CELL, (_width(text) + GAP) / len(own))
        right = left + len(own) * width
        text.set_x((left + right) / 2)
        for i, example in enumerate(own):
            _draw_image(axes, support[example], left + (i + 0.5) * width, HEADER)
        _draw_cells(axes, weights[:, own], (left, right, bottom, top))
        for row in np.flatnonzero(np.equal(truth, label)):
            place = (left, top + row * CELL), right - left, CELL
            color = RIGHT if is_right[row] else WRONG
            axes.add_patch(Rectangle(*place, ec=color, fill=False, lw=1.8, zorder=3))
        left = right + GAP
    axes.set(xlim=(0, left), ylim=(bottom + GAP, 0), aspect="auto")
    figure.set_size_inches(left, bottom + GAP)
    return figure


def _check_weights(weights, queries, examples):
    weights = np.asarray(weights, "float64")
    fits = weights.shape == (queries, examples) and np.isfinite(weights).all()
    if not fits or weights.min() < 0 or weights.max() > 1 + 1e-3:  # rounding
        raise ValueError(
            f"`weights` must be in [0, 1], of shape [{queries}, {examples}]: one row "
            f"per query, one column per example. Received: shape {weights.shape}. "
            f"Select one task, `weights[0]`, after a softmax."
        )
    return weights


def _draw_queries(axes, query, titles, is_right, top):
    """Draws the queries with their titles, and returns where the matrix begins."""
    texts = []
    for row, title in enumerate(titles):
        y = top + (row + 0.5) * CELL
        color = RIGHT if is_right[row] else WRONG
        style = {"fontsize": NAME_SIZE, "color": color, "ha": "right"}
        texts.append(write(axes, 0, y, title, **style))
    style = {"fontsize": TITLE_SIZE, "color": GRAY, "ha": "right"}
    heads = [
        write(axes, 0, HEADER + CELL / 2, "support set", **style),
        write(axes, 0, top - GAP, "query set", **style),
    ]
    names = max((_width(text) for text in texts), default=0) + GAP
    left = GAP + max(names + CELL, max(_width(text) for text in heads) + GAP)
    for text in texts:
        text.set_x(left - CELL - GAP / 2)
    for text in heads:
        text.set_x(left - GAP)
    for row, image in enumerate(query):
        _draw_image(axes, image, left - CELL / 2, top + row * CELL)
    return left


def _draw_image(axes, image, middle, top):
    """Draws a framed image in the middle of a cell."""
    height, width = IMAGE * np.array(image.shape[:2]) / max(image.shape[:2])
    x, y = middle - width / 2, top + (CELL - height) / 2
    box = (x, x + width, y + height, y)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=box)
    axes.add_patch(Rectangle((x, y), width, height, fill=False, ec=FRAME, lw=0.8))


def _draw_cells(axes, weights, box):
    """Draws a matrix of numbers `[M, K]` in a box (left, right, bottom, top)."""
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, extent=box, aspect="auto")
    left, right, _, top = box
    width = (right - left) / weights.shape[1]
    for (row, column), weight in np.ndenumerate(weights):
        x, y = left + (column + 0.5) * width, top + (row + 0.5) * CELL
        color = "white" if weight > BRIGHT else INK
        style = {"fontsize": TITLE_SIZE, "color": color, "ha": "center"}
        write(axes, x, y, f"{weight:.2f}", **style)


def _width(text):
    """Returns the width of a text in inches."""
    return text.get_window_extent().width / text.get_figure().dpi
