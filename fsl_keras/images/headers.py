"""The kind and the size of an image file, without decoding it."""

import tensorflow as tf

from fsl_keras.images.gif import fills_canvas
from fsl_keras.images.numbers import first_bytes, number_at
from fsl_keras.typing import Tensor

# The limit of TensorFlow for JPEG, and of Pillow against decompression bombs: files of
# a few kilobytes that exhaust the memory.
MOST_PIXELS = 2**29 // 3

# The offset and the bytes that identify a format, in the order of `decode`'s branches.
SIGNATURES = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG"),
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "WebP": (8, b"WEBP"),
}


def kind_of(contents: Tensor) -> Tensor:
    """Returns the index in `SIGNATURES`, or their number for any other file.

    Other files include what TensorFlow does not decode: BMP that is compressed or not
    of 8, 24 or 32 bits, GIF whose first frame does not fill the canvas, and animated
    WebP.
    """
    data = first_bytes(contents, 34)
    found = {
        name: number_at(data, at, len(magic)) == int.from_bytes(magic)
        for name, (at, magic) in SIGNATURES.items()
    }
    found["GIF"] = tf.cond(
        found["GIF"], lambda: fills_canvas(contents), lambda: tf.constant(False)
    )
    header, bits, compression = (
        number_at(data, at, size, little=True)
        for at, size in ((14, 4), (28, 2), (30, 4))
    )
    found["BMP"] &= (header >= 40) & (compression == 0)
    found["BMP"] &= (bits == 8) | (bits == 24) | (bits == 32)
    # TensorFlow's decoder corrupts memory on opaque animations.
    extended = number_at(data, 12, 4) == int.from_bytes(b"VP8X")
    animated = extended & (number_at(data, 20, 1) // 2 % 2 == 1)
    found["WebP"] &= ~animated
    found = tf.cast([*found.values(), True], tf.int32)
    return tf.argmax(found, output_type=tf.int32)


def pixels_of(contents: Tensor) -> Tensor:
    """Returns the number of pixels in the header of an image file; 0 for others."""
    data = first_bytes(contents, 32)

    def jpeg():
        return tf.reduce_prod(tf.io.extract_jpeg_shape(contents, tf.int64)[:2])

    def png():
        return number_at(data, 16, 4) * number_at(data, 20, 4)

    def gif():
        return number_at(data, 6, 2, little=True) * number_at(data, 8, 2, little=True)

    def bmp():
        # Signed: with a negative height the rows run from top to bottom.
        width, height = (number_at(data, at, 4, little=True) for at in (18, 22))
        return tf.minimum(width, 2**32 - width) * tf.minimum(height, 2**32 - height)

    def webp():
        lossy = [number_at(data, at, 2, little=True) % 2**14 for at in (26, 28)]
        both = number_at(data, 21, 4, little=True)
        lossless = [both % 2**14 + 1, both // 2**14 % 2**14 + 1]
        extended = [number_at(data, at, 3, little=True) + 1 for at in (24, 27)]
        form = number_at(data, 12, 4)
        side = tf.where(form == int.from_bytes(b"VP8X"), extended, lossless)
        side = tf.where(form == int.from_bytes(b"VP8 "), lossy, side)
        return side[0] * side[1]

    branches = [jpeg, png, gif, bmp, webp, lambda: tf.constant(0, tf.int64)]
    return tf.switch_case(kind_of(contents), branches)
