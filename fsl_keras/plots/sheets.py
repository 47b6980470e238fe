"""Sheets of pictures: the few examples of each class, and whole episodes."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fsl_keras.plots.text import INK, NAME_SIZE, class_ids, names_of, write

GREY, FRAME = "#737373", "#cccccc"
# Bluish green and vermilion differ in lightness for every kind of colour vision.
RIGHT, WRONG = "#00785a", "#c03a06"

TITLE_SIZE = 8  # points
GAP, TITLE_HEIGHT, TITLE_WIDTH = 0.08, 0.18, 1.45  # inches, as all lengths here
HEADER, HEADER_WIDTH = 0.32, 0.8


def few_shot_classes(images, labels, class_names=None, columns=10):
    """Draws the few examples of each class, a row a class.

    Args:
        images: array `[n, H, W, 1]` (drawn as dark ink on white, ink = 1) or
            `[n, H, W, 3]`, uint8 or floats in [0, 1].
        labels: integers `[n]` or one-hot `[n, N]`; -1 or all zeros is padding.
        class_names: sequence of strings, the name of class `i` at position `i`.
        columns: integer, the most examples to draw of a class.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if shapes, values or lengths do not fit.

    Example:

    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1))
    >>> figure = few_shot_classes(images, [0, 0, 0, 1, 1, 1], ["heron", "egret"])
    >>> len(figure.axes[0].images)
    6
    """
    images = pictures_of(images, "images")
    labels = class_ids(labels, len(images), "labels")
    ranks, classes = _ranks(labels), np.unique(labels[labels >= 0])
    drawn = np.flatnonzero((labels >= 0) & (ranks < columns))

    sheet = _Sheet(names_of(classes, class_names), images.shape[1:3])
    for i in drawn:
        x = sheet.left + ranks[i] * (sheet.width + GAP)
        sheet.draw(images[i], x, np.searchsorted(classes, labels[i]))
    return sheet.finish()


def episode(
    support,
    support_labels,
    query,
    query_labels=None,
    probabilities=None,
    class_names=None,
    max_queries=40,
):
    """Draws one episode: the support set at the left, the queries beside it.

    With `query_labels`, a query stands in the row of its true class; without, the
    queries keep their order. With `probabilities`, the predicted class and its
    probability stand above each query, marked ✓ and green where right, ✗ and red
    where wrong.

    Args:
        support: array `[S, H, W, 1]` (drawn as dark ink on white, ink = 1) or
            `[S, H, W, 3]`, uint8 or floats in [0, 1].
        support_labels: integers `[S]` or one-hot `[S, N]`; -1 or all zeros is padding.
        query: array like `support`, `[M, H, W, 1]` or `[M, H, W, 3]`.
        query_labels: like `support_labels`, `[M]` or `[M, N]`.
        probabilities: floats `[M, N]` in [0, 1].
        class_names: sequence of strings, the name of class `i` at position `i`.
        max_queries: integer, the most queries to draw: the first ones, spread
            evenly over the classes where `query_labels` tell them.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if shapes, values or lengths do not fit.

    Example:

    >>> import numpy as np
    >>> figure = episode(
    ...     support=np.zeros((2, 28, 28, 1)), support_labels=[0, 1],
    ...     query=np.zeros((1, 28, 28, 1)), query_labels=[1],
    ...     probabilities=[[0.2, 0.8]], class_names=["heron", "egret"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['heron', 'egret', 'support set', 'query set', '✓ egret 0.80']
    """
    support, query = pictures_of(support, "support"), pictures_of(query, "query")
    labels = class_ids(support_labels, len(support), "support_labels")
    classes, truth = np.unique(labels[labels >= 0]), None
    if query_labels is not None:
        truth = class_ids(query_labels, len(query), "query_labels")
        classes = np.union1d(classes, truth[truth >= 0])
    titles, colors, title_height = [""] * len(query), [FRAME] * len(query), 0
    if probabilities is not None:
        titles, colors = _titles(probabilities, len(query), truth, classes, class_names)
        title_height = TITLE_HEIGHT

    names, ranks = names_of(classes, class_names), _ranks(labels)
    sheet = _Sheet(names, support.shape[1:3], HEADER, title_height)
    left, step = sheet.left, sheet.width + GAP
    sheet.head(left, "support set")
    for i in np.flatnonzero(labels >= 0):
        row = np.searchsorted(classes, labels[i])
        sheet.draw(support[i], left + ranks[i] * step, row)

    left = sheet.right + 4 * GAP
    step = max(step, TITLE_WIDTH + GAP) if title_height else step
    drawn, rows, columns = _query_places(len(query), truth, classes, max_queries)
    sheet.head(left, "query set")
    for i, row, column in zip(drawn, rows, columns, strict=True):
        sheet.draw(query[i], left + column * step, row, titles[i], colors[i])
    return sheet.finish()


def pictures_of(images, what):
    """Returns `images` as floats in [0, 1], `[n, H, W]` or `[n, H, W, 3]`."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.size == 0:
        raise ValueError(
            f"`{what}` must be [n, H, W, 1] or [n, H, W, 3]; given {images.shape}. "
            f"Take one episode, `{what}[0]`, or add an axis, `{what}[..., None]`."
        )
    images = images / 255 if images.dtype == np.uint8 else images.astype("float32")
    low, high = images.min(), images.max()
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # so much may be rounding
        raise ValueError(
            f"`{what}` must be uint8, or floats in [0, 1]; given values from {low:g} "
            f"to {high:g}. Scale them, as in `{what} / 255`."
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
    """Returns the queries' titles, and the colours that tell right from wrong."""
    values, ways = np.asarray(probabilities), classes[-1] + 1
    if values.ndim != 2 or len(values) != count or values.shape[1] < ways:
        raise ValueError(
            f"`probabilities` must be [{count}, N], a row for each query, with N of "
            f"at least {ways} classes; given {values.shape}. Predict this very episode."
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
    """Rows of pictures, each begun by the name of its class.

    Args:
        names: strings, one a row.
        shape: pair, the height and width of a picture in pixels.
        header: the room above all rows.
        title_height: the room above each row.
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
        """Writes the names flush right, and returns where pictures may begin."""
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

    def head(self, x, text):
        """Writes the heading of the pictures that begin at `x`."""
        write(self.axes, x, HEADER / 2, text, fontsize=TITLE_SIZE, color=GREY)
        self.right = max(self.right, x + HEADER_WIDTH)

    def draw(self, picture, x, row, title="", color=FRAME):
        """Draws a framed picture in a row, with its title above."""
        y = self.top + row * self.step
        box = (x, x + self.width, y + self.height, y)
        self.axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, extent=box)
        judged = color != FRAME
        frame = {"fill": False, "ec": color, "lw": 1.6 if judged else 0.8}
        self.axes.add_patch(Rectangle((x, y), self.width, self.height, **frame))
        self.right = max(self.right, x + self.width)
        if title:
            style = {"fontsize": TITLE_SIZE, "color": color if judged else INK}
            write(self.axes, x, y - TITLE_HEIGHT / 2, title, **style)
            self.right = max(self.right, x + TITLE_WIDTH)

    def finish(self):
        """Cuts the figure to what it holds, and returns it."""
        width, height = self.right + GAP, self.bottom
        self.axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
        self.axes.figure.set_size_inches(width, height)
        return self.axes.figure
