"""Outlines of characters from Matplotlib's fonts, and exact rasters of outlines.

Outlines are unhinted and in font units, rasters come from integers alone, so
both are the same on every machine and under every version of FreeType.
"""

import functools
import pathlib
from collections.abc import Sequence

import numpy as np

# Neighbors differ in style, since drawings cycle through the list in this order.
FACES = (
    "DejaVuSans",
    "DejaVuSerif-Italic",
    "STIXGeneralBol",
    "DejaVuSansMono-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif",
    "STIXGeneralItalic",
    "DejaVuSansMono-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSerif-Bold",
    "STIXGeneral",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSans-Bold",
    "DejaVuSerif-BoldItalic",
    "STIXGeneralBolIta",
    "DejaVuSansMono",
)

FINE = 16  # coordinates of an outline to be rasterized are 1/16 of a sample

_PIECES = 4  # straight pieces that a segment of an outline is cut into
_MOVE, _LINE, _CURVE, _CLOSE = 1, 2, 3, 79  # codes of a Matplotlib path


@functools.cache
def _font(face):
    import matplotlib
    from matplotlib.ft2font import FT2Font

    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return FT2Font(str(folder / f"{face}.ttf"))


@functools.cache
def code_points(face: str) -> frozenset[int]:
    """Returns the code points that one of `FACES` has a glyph for.

    Example:

    >>> ord("я") in code_points("DejaVuSans")
    True
    """
    return frozenset(_font(face).get_charmap())


@functools.lru_cache(maxsize=256)
def outline(face: str, code: int) -> np.ndarray:
    """Returns the unhinted outline of a character, cut into straight pieces.

    Args:
        face: string, one of `FACES`.
        code: int, the character's code point, one of `code_points(face)`.

    Returns:
        float64 array `[segments, points, 2]` of points (x, y) in font units with
        y up. A segment ends where another starts, and together they make closed
        contours. An empty glyph has no segments.

    Example:

    >>> outline("DejaVuSans", ord("o")).shape
    (18, 5, 2)
    """
    from matplotlib.ft2font import LoadFlags

    font = _font(face)
    font.load_char(code, flags=LoadFlags.NO_SCALE | LoadFlags.NO_HINTING)
    points, codes = font.get_path()
    points = points * 64  # Matplotlib divides by it even where nothing is scaled
    row = np.arange(len(codes))
    contour = np.maximum.accumulate(np.where(codes == _MOVE, row, 0))
    curve = codes == _CURVE  # rows come in pairs: the control point, then the end
    curve_end = curve & (np.cumsum(curve) % 2 == 0)
    last = row[curve_end | (codes == _LINE) | (codes == _CLOSE)]
    curved = curve_end[last]
    start = points[last - np.where(curved, 2, 1)][:, None]
    stop = points[np.where(codes[last] == _CLOSE, contour[last], last)][:, None]
    control = np.where(
        curved[:, None, None], points[last - 1][:, None], (start + stop) / 2
    )
    t = np.arange(_PIECES + 1)[:, None] / _PIECES
    return (1 - t) * (1 - t) * start + 2 * t * (1 - t) * control + t * t * stop


def rasterize(outlines: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Fills outlines by the nonzero winding rule, with integers alone.

    Args:
        outlines: list of int64 arrays `[segments, points, 2]`, in steps of
            `1 / FINE` of a sample from the upper left corner, y down.
        size: int, rows and columns of samples.

    Returns:
        bool array `[len(outlines), size, size]`, True where there is ink.

    Example:

    >>> corners = np.array([[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]) * FINE
    >>> rasterize([corners[None]], 4)[0].astype(int)
    array([[0, 0, 0, 0],
           [0, 1, 1, 0],
           [0, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    start = np.concatenate([o[:, :-1].reshape(-1, 2) for o in outlines])
    stop = np.concatenate([o[:, 1:].reshape(-1, 2) for o in outlines])
    pieces = [o.shape[0] * (o.shape[1] - 1) for o in outlines]
    image = np.repeat(np.arange(len(outlines)), pieces)
    down = start[:, 1] < stop[:, 1]
    upper = np.where(down[:, None], start, stop)
    lower = np.where(down[:, None], stop, start)

    # Each piece crosses the rows of samples whose center it spans.
    first_row = _first_sample(upper[:, 1])
    rows = _first_sample(lower[:, 1]) - first_row
    piece = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(piece)) - np.repeat(np.cumsum(rows) - rows, rows)
    row += first_row[piece]
    across, along = (lower - upper)[piece].T
    depth = row * FINE + FINE // 2 - upper[piece, 1]
    column = _first_sample(upper[piece, 0] + depth * across // along)

    # A crossing changes the winding number of all samples to its right.
    shape = (len(outlines), size, size + 1)
    cell = np.ravel_multi_index((image[piece], row, np.clip(column, 0, size)), shape)
    turn = np.bincount(cell, np.where(down, 1, -1)[piece], np.prod(shape))
    return np.cumsum(turn.reshape(shape), axis=2)[:, :, :size] != 0


def _first_sample(coordinate):
    """Returns the first sample whose center is not before the coordinate."""
    return (coordinate + FINE // 2 - 1) // FINE
