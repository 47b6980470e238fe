"""Pillow images as arrays, and files that Pillow decodes."""

import contextlib
import io
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image

from fsl_keras.images.headers import MOST_PIXELS
from fsl_keras.images.kinds import kind_of_bytes
from fsl_keras.images.orientation import orientation_in_exif

# Pillow's names of the kinds of files that it decodes.
_FORMATS = {
    "TIFF": "TIFF",
    "AVIF": "AVIF",
    "HEIC": "HEIF",
    "WebP": "WEBP",
    "GIF": "GIF",
    "BMP": "BMP",
}
_UNKNOWN = "not a JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC image"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):
    """An image that cannot be read. The message is the reason, without a name."""


def from_pillow(image: Image.Image) -> np.ndarray:
    """Returns a Pillow image as the array that decoding its file gives.

    The EXIF orientation is applied and every mode becomes gray, gray with alpha, RGB
    or RGBA, so that an image opened by Pillow and the path of its file give the same
    values. Of several frames the current one is returned.

    Args:
        image: a `PIL.Image.Image` of any mode.

    Returns:
        An array `[height, width, c]`, upright, `c` from 1 to 4:

        - uint8 for the modes of 8 bits or 1, and for CMYK, YCbCr, LAB and HSV, which
          become RGB;
        - uint16 for `I;16` in any byte order, from 0 to 65,535;
        - float32 for `F`, in [0, 1] unless a `value_range` is given;
        - int32 for `I`, which needs a `value_range`.

    Raises:
        ValueError: If the image cannot be decoded, or has more than 179 megapixels.

    Example:

    >>> red = Image.new("CMYK", (4, 2), (0, 255, 255, 0))
    >>> from_pillow(red).shape, from_pillow(red)[0, 0].tolist()
    ((2, 4, 3), [255, 0, 0])
    """
    _check_size(image.size, "an image")
    try:
        image.load()
        values = np.asarray(_upright(_converted(image)))
    except Exception as error:  # decoders raise errors of many kinds
        raise UnreadableImage(f"Pillow cannot decode it: {error}") from error
    if image.mode.startswith("I;16"):
        clear = values == image.info.get("transparency", -1)
        values = np.where(clear, 65535, values).astype("uint16")
    return values[..., None] if values.ndim == 2 else values


def _converted(image):
    """Returns the image in a mode of arrays, with transparency as a channel."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return image
    has_alpha = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("LA" if has_alpha else "L")
    return image.convert("RGBA" if has_alpha else "RGB")


def _upright(image):
    exif = image.info.get("exif")
    turn = _TURNS.get(int(_orientation(exif))) if exif else None
    return image if turn is None else image.transpose(turn)


_orientation = tf.function(
    orientation_in_exif,
    input_signature=[tf.TensorSpec([], tf.string)],
    autograph=False,
)


@contextlib.contextmanager
def opened(contents: bytes) -> Iterator[Image.Image]:
    """Opens the bytes of a file that Pillow decodes, without decoding them.

    Raises:
        UnreadableImage: If they are of another kind, or have more than 179
            megapixels.
    """
    if not contents:
        raise UnreadableImage("the file is empty")
    kind = kind_of_bytes(contents)
    if kind not in _FORMATS:
        raise UnreadableImage(_UNKNOWN)
    if kind == "HEIC":
        _register_heif()
    try:
        image = Image.open(io.BytesIO(contents), formats=[_FORMATS[kind]])
    except Image.DecompressionBombError:
        raise UnreadableImage(too_large(named(kind))) from None
    except Exception as error:  # decoders raise errors of many kinds
        raise UnreadableImage(corrupt(named(kind))) from error
    with image:
        _check_size(image.size, named(kind))
        yield image


def decode_by_pillow(contents: bytes) -> np.ndarray:
    """Decodes the bytes of a file to an array, uint8 or uint16; see `from_pillow`.

    Raises:
        UnreadableImage: If they cannot be decoded.
    """
    with opened(contents) as image:
        name = named(kind_of_bytes(contents))
        if image.mode in ("I", "F"):
            raise UnreadableImage(
                f"{name} of 32-bit values, whose range is unknown: save it with 8 or "
                f"16 bits, or open it with Pillow and pass a `value_range`"
            )
        try:
            return from_pillow(image)
        except UnreadableImage as error:
            raise UnreadableImage(corrupt(name)) from error


def named(kind: str | None) -> str:
    """Returns the name of a kind with its article."""
    return f"{'an' if kind == 'AVIF' else 'a'} {kind}"


def corrupt(name: str) -> str:
    """Returns the reason why a file of a known kind cannot be decoded."""
    return f"{name} that is corrupt, cut short or of a rare kind"


def too_large(name: str, pixels: int | None = None) -> str:
    """Returns the reason why an image of more than `MOST_PIXELS` is refused."""
    many = "too many" if pixels is None else f"{pixels / 1e6:.0f}"
    return (
        f"{name} of {many} megapixels; at most {MOST_PIXELS / 1e6:.0f} are read: make "
        f"it smaller"
    )


def _check_size(size, name):
    pixels = size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise UnreadableImage(too_large(name, pixels))


def _register_heif():
    try:
        import pillow_heif
    except ImportError:
        raise UnreadableImage(
            'a HEIC, for which a package is missing: pip install "fsl-keras[heif]"'
        ) from None
    pillow_heif.register_heif_opener()
