"""Sheets of images: the few examples of each class, and episodes."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fsl_keras.plots.text import INK, NAME_SIZE, class_ids, names_of, write
from fsl_keras.typing import Tensor

GRAY, FRAME = "#737373", "#cccccc"
# Bluish green and vermilion differ in lightness for every kind of color vision.
RIGHT, WRONG = "#00785a", "#c03a06"

TITLE_SIZE = 8  # points
GAP, TITLE_HEIGHT, TITLE_WIDTH = 0.08, 0.18, 1.45  # inches, as all lengths here
HEADER, HEADER_WIDTH = 0.32, 0.8


def few_shot_classes(
    images: Tensor,
    labels: Tensor,
    class_names: Sequence[str] | None = None,
    columns: int = 10,
) -> Figure:
    """Draws the examples of each class, one row per class.

    Args:
        images: array `[n, H, W, 1]` (drawn inverted: 0 is white, 1 is black) or
            `[n, H, W, 3]`, uint8 or floats in [0, 1].
        labels: integers `[n]` or one-hot `[n, N]`; -1 or all zeros is padding.
        class_names: optional sequence of strings, the name of class `i` at index `i`.
        columns: integer, the maximum number of examples per class. Defaults to `10`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If shapes, values or lengths do not match.

    Example:

    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1))
    >>> figure = few_shot_classes(images, [0, 0, 0, 1, 1, 1], ["heron", "egret"])
    >>> len(figure.axes[0].images)
    6
    """
    images = images_of(images, "images")
    labels = class_ids(labels, len(images), "labels")
    ranks, classes = _ranks(labels), np.unique(labels[labels >= 0])
    drawn = np.flatnonzero((labels >= 0) & (ranks < columns))

    sheet = _Sheet(names_of(classes, class_names), images.shape[1:3])
    for i in drawn:
        x = sheet.left + ranks[i] * (sheet.width + GAP)
        sheet.draw(images[i], x, np.searchsorted(classes, labels[i]))
    return sheet.finish()


def episode(
    support: Tensor,
    support_labels: Tensor,
    query: Tensor,
    query_labels: Tensor | None = None,
    probabilities: Tensor | None = None,
    class_names: Sequence[str] | None = None,
    max_queries: int = 40,
) -> Figure:
    """Draws one episode: the support set on the left, the queries on the right.

    With `query_labels`, queries are in the row of their true class; without, they are
    in their order. With `probabilities`, the predicted class and its probability are
    written above each query, in green with a ✓ if correct, in red with a ✗ if not.

    Args:
        support: array `[S, H, W, 1]` (drawn inverted: 0 is white, 1 is black) or
            `[S, H, W, 3]`, uint8 or floats in [0, 1].
        support_labels: integers `[S]` or one-hot `[S, N]`; -1 or all zeros is padding.
        query: array like `support`, `[M, H, W, 1]` or `[M, H, W, 3]`.
        query_labels: optional labels like `support_labels`, `[M]` or `[M, N]`.
        probabilities: optional floats `[M, N]` in [0, 1].
        class_names: optional sequence of strings, the name of class `i` at index `i`.
        max_queries: integer, the maximum number of queries: the first ones, evenly
            over the classes if `query_labels` are given. Defaults to `40`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If shapes, values or lengths do not match.

    Example:

    >>> import numpy as np
    >>> figure = episode(
    ...     support=np.zeros((2, 28, 28, 1)), support_labels=[0, 1],
    ...     query=np.zeros((1, 28, 28, 1)), query_labels=[1],
    ...     probabilities=[[0.2, 0.8]], class_names=["heron", "egret"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['heron', 'egret', 'support set', 'query set', '✓ egret 0.80']
    """
    support, query = images_of(support, "support"), images_of(query, "query")
    labels = class_ids(support_labels, len(support), "support_labels")
    classes, truth = np.unique(labels[labels >= 0]), None
    if query_labels is not None:
        truth = class_ids(query_labels, len(query), "query_labels")
        classes = np.union1d(classes, truth[truth >= 0])
    titles, colors, title_height = [""] * len(query), [FRAME] * len(query), 0.0
    if probabilities is not None:
        titles, colors = _titles(probabilities, len(query), truth, classes, class_names)
        title_height = TITLE_HEIGHT

    names, ranks = names_of(classes, class_names), _ranks(labels)
    sheet = _Sheet(names, support.shape[1:3], HEADER, title_height)
    left, step = sheet.left, sheet.width + GAP
    sheet.write_heading(left, "support set")
    for i in np.flatnonzero(labels >= 0):
        row = np.searchsorted(classes, labels[i])
        sheet.draw(support[i], left + ranks[i] * step, row)

    left = sheet.right + 4 * GAP
    step = max(step, TITLE_WIDTH + GAP) if title_height else step
    drawn, rows, columns = _query_places(len(query), truth, classes, max_queries)
    sheet.write_heading(left, "query set")
    for i, row, column in zip(drawn, rows, columns, strict=True):
        sheet.draw(query[i], left + column * step, row, titles[i], colors[i])
    return sheet.finish()


def images_of(images: Tensor, what: str) -> np.ndarray:
    """Returns `images` as floats in [0, 1], `[n, H, W]` or `[n, H, W, 3]`."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.size == 0:
        raise ValueError(
            f"`{what}` must be [n, H, W, 1] or [n, H, W, 3]. Received: shape "
            f"{images.shape}. Select one episode, `{what}[0]`, or add an axis, "
            f"`{what}[..., None]`."
        )
    images = images / 255 if images.dtype == np.uint8 else images.astype("float32")
    low, high = images.min(), images.max()
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # up to rounding
        raise ValueError(
            f"`{what}` must be uint8, or floats in [0, 1]. Received: values from "
            f"{low:g} to {high:g}. Scale them, as in `{what} / 255`."
        )
    return np.clip(images[..., 0] if images.shape[-1] == 1 else images, 0, 1)


def _ranks(labels):
    """Returns how many earlier items have the label of each item."""
    ranks = np.zeros(len(labels), int)
    for label in np.unique(labels):
        ranks[labels == label] = np.arange(np.sum(labels == label))
    return ranks


def _query_places(count, truth, classes, limit):
    """Returns which queries to draw, and the row and column of each."""
    if truth is None:
        drawn = np.arange(min(count, limit))
        return drawn, *divmod(drawn, math.ceil(len(drawn) / len(classes)))
    ranks, real = _ranks(truth), np.flatnonzero(truth >= 0)
    drawn = np.sort(real[np.argsort(ranks[real], kind="stable")][:limit])
    return drawn, np.searchsorted(classes, truth[drawn]), ranks[drawn]


def _titles(probabilities, count, truth, classes, class_names):
    """Returns the titles of queries and their colors, by whether they are correct."""
    values, ways = np.asarray(probabilities), classes[-1] + 1
    if values.ndim != 2 or len(values) != count or values.shape[1] < ways:
        raise ValueError(
            f"`probabilities` must be [{count}, N], one row per query, with N of at "
            f"least {ways} classes. Received: shape {values.shape}. Pass the "
            f"predictions for this episode."
        )
    predicted = values.argmax(axis=1)
    names = names_of(predicted, class_names, longest=12)
    titles = [f"{n} {p:.2f}" for n, p in zip(names, values.max(axis=1), strict=True)]
    if truth is None:
        return titles, [FRAME] * count
    marks = np.where(predicted == truth, "✓", "✗")
    colors = np.where(predicted == truth, RIGHT, WRONG)
    return [f"{m} {t}" for m, t in zip(marks, titles, strict=True)], colors


class _Sheet:
    """Rows of images, each with the name of its class on the left.

    Args:
        names: strings, one per row.
        shape: pair, the height and width of an image in pixels.
        header: the space above all rows.
        title_height: the space above each row.
    """

    def __init__(self, names, shape, header=GAP, title_height=0):
        # Large for few rows, small enough for twenty on a page.
        longer_side = min(max(6 / len(names), 0.5), 1)
        self.height, self.width = longer_side * np.array(shape) / max(shape)
        self.step = title_height + self.height + GAP
        self.top = header + title_height
        self.bottom = header + len(names) * self.step
        self.axes = Figure(facecolor="white").add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.left = self.right = self._write_names(names)

    def _write_names(self, names):
        """Writes the names right-aligned, and returns where images begin."""
        texts = [
            write(
                self.axes,
                x=0,
                y=self.top + row * self.step + self.height / 2,
                text=name,
                fontsize=NAME_SIZE,
                ha="right",
            )
            for row, name in enumerate(names)
        ]
        longest = max(text.get_window_extent().width for text in texts)
        left = longest / self.axes.figure.dpi + 3 * GAP
        for text in texts:
            text.set_x(left - GAP)
        return left

    def write_heading(self, x, text):
        """Writes the heading of the images that begin at `x`."""
        write(self.axes, x, HEADER / 2, text, fontsize=TITLE_SIZE, color=GRAY)
        self.right = max(self.right, x + HEADER_WIDTH)

    def draw(self, image, x, row, title="", color=FRAME):
        """Draws a framed image in a row, with its title above."""
        y = self.top + row * self.step
        box = (x, x + self.width, y + self.height, y)
        self.axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=box)
        judged = color != FRAME
        frame = {"fill": False, "ec": color, "lw": 1.6 if judged else 0.8}
        self.axes.add_patch(Rectangle((x, y), self.width, self.height, **frame))
        self.right = max(self.right, x + self.width)
        if title:
            style = {"fontsize": TITLE_SIZE, "color": color if judged else INK}
            write(self.axes, x, y - TITLE_HEIGHT / 2, title, **style)
            self.right = max(self.right, x + TITLE_WIDTH)

    def finish(self):
        """Crops the figure to its content, and returns it."""
        width, height = self.right + GAP, self.bottom
        self.axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
        self.axes.figure.set_size_inches(width, height)
        return self.axes.figure
