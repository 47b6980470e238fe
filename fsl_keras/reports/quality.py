"""Measures of pictures, and which pictures they make unusual."""

import dataclasses

import numpy as np
from PIL import Image, ImageFilter

# Pictures are measured at these sides at most, so that large ones take no longer.
SIDE, SHARPNESS_SIDE = 256, 64

# What each kind means, for readers of a report.
KINDS = {
    "dark": "even the brightest pixels are dark",
    "bright": "even the darkest pixels are bright",
    "blurred": "there are few edges",
    "empty": "there is little in it: nearly one color",
    "tiny": "the sides are less than a quarter of those of most pictures",
    "odd shape": "one side is more than three times the other",
    "gray": "it has no colors, and most pictures do",
}


@dataclasses.dataclass(frozen=True)
class Quality:
    """Measures of one picture.

    The measures and their thresholds are those of
    [cleanvision](https://github.com/cleanlab/cleanvision) 0.3.7, with two differences.
    cleanvision compares a size with the quartiles of all sizes, by which every other
    size is odd if most are equal. And it measures edges with the border of the picture,
    which its filter leaves as it is: so it finds a third of the photographs that are
    blurred by 2 of 84 pixels, and a threshold of 15 without the border finds most.

    Attributes:
        width: integer, in pixels.
        height: integer.
        darkest: float in [0, 1], the 5th percentile of the brightness.
        brightest: float in [0, 1], the 99th percentile of the brightness.
        sharpness: float, the standard deviation of edges in the picture at 64 pixels;
            50 to 70 for most photographs.
        entropy: float, of the histogram of values, in bits.
        is_gray: bool, whether all pixels are gray.
    """

    width: int
    height: int
    darkest: float
    brightest: float
    sharpness: float
    entropy: float
    is_gray: bool

    @classmethod
    def of(cls, image: Image.Image) -> "Quality":
        """Measures an RGB picture.

        Args:
            image: a Pillow image of the mode `"RGB"`.

        Example:

        >>> quality = Quality.of(Image.new("RGB", (40, 20), (0, 0, 255)))
        >>> quality.width, quality.is_gray, round(quality.brightest, 2)
        (40, False, 0.26)
        """
        small = at_most(image, SIDE)
        values = np.asarray(small, "float32")
        red, green, blue = np.moveaxis(values, -1, 0)
        squares = 0.241 * red**2 + 0.691 * green**2 + 0.068 * blue**2
        darkest, brightest = np.percentile(np.sqrt(squares) / 255, [5, 99])
        return cls(
            image.width,
            image.height,
            float(darkest),
            float(brightest),
            _sharpness(at_most(small, SHARPNESS_SIDE).convert("L")),
            float(small.entropy()),
            bool((red == green).all() and (green == blue).all()),
        )


def at_most(image: Image.Image, side: int) -> Image.Image:
    """Returns a picture whose larger side is `side` at most, of the same shape."""
    larger = max(image.size)
    if larger <= side:
        return image
    width, height = (max(1, round(n * side / larger)) for n in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)


def unusual(qualities: list[Quality]) -> dict[str, np.ndarray]:
    """Finds the pictures of each kind of `KINDS`.

    Args:
        qualities: list of the `Quality` of all pictures.

    Returns:
        A dictionary from kind to bool array `[n]`.

    Example:

    >>> night = Quality.of(Image.new("RGB", (40, 20), (9, 9, 9)))
    >>> [kind for kind, found in unusual([night]).items() if found[0]]
    ['dark', 'empty']
    """
    measures = {
        field.name: np.asarray([getattr(q, field.name) for q in qualities])
        for field in dataclasses.fields(Quality)
    }
    width, height = measures["width"], measures["height"]
    sides, gray = np.sqrt(width * height), measures["is_gray"].astype(bool)
    usual = np.median(sides) if len(sides) else 0.0
    dark, bright = measures["brightest"] < 0.32, measures["darkest"] > 0.95
    empty = measures["entropy"] < 3
    # A picture without contrast has no edges either.
    blurred = (measures["sharpness"] < 15) & ~dark & ~bright & ~empty
    return {
        "dark": dark,
        "bright": bright,
        "blurred": blurred,
        "empty": empty,
        "tiny": sides < usual / 4,
        "odd shape": np.minimum(width, height) < 0.35 * np.maximum(width, height),
        "gray": gray & (gray.mean() < 0.5) if len(gray) else gray,
    }


def _sharpness(gray):
    edges = np.asarray(gray.filter(ImageFilter.FIND_EDGES), "float32")[1:-1, 1:-1]
    return float(edges.std()) if edges.size else 0.0
