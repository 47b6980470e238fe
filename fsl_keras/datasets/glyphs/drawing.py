"""Random drawings of characters, as if by many hands."""

import math

import numpy as np

from fsl_keras.datasets.glyphs import outlines

SIZE = 28  # rows and columns of pixels
DRAWINGS = 20  # of each character

ROTATION = 15.0  # degrees, to either side
SHEAR = 0.15  # of the height, to either side
STRETCH = 0.15  # how much wider or narrower a drawing may become
ELASTIC = 0.05  # of half the longer side, for each of the waves
EXTENT = (18.0, 23.0)  # pixels, the longer side of the drawn character
SHIFT = 2.0  # pixels, to every side
PEN = {"bold": (0, 1), "regular": (1, 3)}  # quarters of a pixel, to every side

_SUBPIXELS = 4  # along each side of a pixel
_MARGIN = 1.75  # pixels around the outline: the widest pen, and one that stays free
_WAVES = [(i, j) for i in range(4) for j in range(4) if 1 < i + j < 4]


def draw(code: int) -> np.ndarray:
    """Returns the drawings of one character, a pure function of its code point.

    Drawings cycle through the faces that hold the character; each is rotated,
    sheared, stretched, bent by smooth waves, drawn with a thinner or a thicker
    pen, and put into a frame of random size and place that never cuts it.

    Args:
        code: int, the character's code point.

    Returns:
        uint8 array `[DRAWINGS, SIZE, SIZE]`, ink 255 on 0.

    Example:

    >>> draw(ord("λ")).shape
    (20, 28, 28)
    """
    random = np.random.Generator(np.random.PCG64(code))
    faces = [f for f in outlines.FACES if code in outlines.code_points(f)]
    placed, pens = [], []
    for i in range(DRAWINGS):
        face = faces[i % len(faces)]
        numbers = iter(random.random(2 * len(_WAVES) + 8).tolist())
        varied = _vary(outlines.outline(face, code), numbers)
        placed.append(_place(varied, numbers))
        thinnest, thickest = PEN["bold" if "Bol" in face else "regular"]
        pens.append(thinnest + int(next(numbers) * (thickest - thinnest + 1)))
    ink = outlines.rasterize(placed, SIZE * _SUBPIXELS)
    ink = _widen(ink, np.array(pens))
    covered = ink.reshape(DRAWINGS, SIZE, _SUBPIXELS, SIZE, _SUBPIXELS).sum((2, 4))
    return (covered * 255 // _SUBPIXELS**2).astype(np.uint8)


def _vary(outline, numbers):
    """Returns the outline, y down, bent and rotated.

    Every operation on points is one addition, product or quotient, which all machines
    round in the same way. Sines are rounded to 1/4096, as machines compute them
    differently.
    """
    x, y = _normalize(outline)
    wave_x, wave_y = _chebyshev(x), _chebyshev(y)
    bent_x, bent_y = x, y
    for i, j in _WAVES:
        wave = wave_x[i] * wave_y[j]
        bent_x = bent_x + ELASTIC * _signed(numbers) * wave
        bent_y = bent_y + ELASTIC * _signed(numbers) * wave
    bent_x = bent_x * (1 + STRETCH * _signed(numbers))
    bent_x = bent_x + SHEAR * _signed(numbers) * bent_y
    angle = math.radians(ROTATION * _signed(numbers))
    sine, cosine = (round(4096 * f(angle)) / 4096 for f in (math.sin, math.cos))
    return np.stack(
        [cosine * bent_x - sine * bent_y, sine * bent_x + cosine * bent_y], axis=-1
    )


def _normalize(outline):
    """Returns x and y (down) in [-1, 1] around the middle of the outline."""
    low, high = outline.min((0, 1)), outline.max((0, 1))
    points = (2 * outline - (low + high)) / (high - low).max()
    return points[..., 0], -points[..., 1]


def _chebyshev(x):
    """Returns the first four Chebyshev polynomials: smooth, and within [-1, 1]."""
    return 1.0, x, 2 * x * x - 1, (4 * x * x - 3) * x


def _signed(numbers):
    """Returns the next random number, spread over [-1, 1)."""
    return 2 * next(numbers) - 1


def _place(points, numbers):
    """Returns the points on the grid of the raster, in a random frame."""
    low, high = points.min((0, 1)), points.max((0, 1))
    smallest, largest = EXTENT
    scale = (smallest + (largest - smallest) * next(numbers)) / (high - low).max()
    free = (SIZE - scale * (high - low)) / 2 - _MARGIN
    offset = np.array([_signed(numbers), _signed(numbers)]) * np.minimum(free, SHIFT)
    pixels = (points - (low + high) / 2) * scale + offset + SIZE / 2
    grid = pixels * (_SUBPIXELS * outlines.FINE)
    return np.floor(grid + 0.5).astype(np.int64)


def _widen(ink, pens):
    """Returns each image with its ink widened by `pens` samples."""
    ink = ink.copy()
    for step in range(1, pens.max() + 1):
        wider = ink[pens >= step]
        wider[:, 1:] |= wider[:, :-1]
        wider[:, :-1] |= wider[:, 1:]
        wider[:, :, 1:] |= wider[:, :, :-1]
        wider[:, :, :-1] |= wider[:, :, 1:]
        ink[pens >= step] = wider
    return ink
