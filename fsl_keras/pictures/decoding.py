"""Pictures from the bytes of their files."""

import tensorflow as tf

from fsl_keras.pictures.headers import (
    SIGNATURES,
    first_bytes,
    kind_of,
    number_at,
    orientation_of,
    pixels_of,
)
from fsl_keras.pictures.values import to_8_bits, to_rgb

# TensorFlow decodes no JPEG of more, and Pillow takes larger files for ones made to
# exhaust the memory, which a few kilobytes can do.
MOST_PIXELS = 2**29 // 3

_UNKNOWN = "not a JPEG, PNG, GIF, BMP or still WebP picture"
_TOO_LARGE = f"a picture of more than {MOST_PIXELS / 1e6:.0f} megapixels"


# A graph of its own takes half a millisecond where its operations one by one take 20.
@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def decode(contents):
    """Decodes the bytes of one picture file to RGB, upright, on white.

    JPEG (its EXIF orientation applied), PNG, GIF (the first frame), BMP and still
    WebP are told apart by their bytes. Everything runs in TensorFlow operations, so
    it may be part of a `tf.data` pipeline or of a SavedModel. JPEG pixels equal
    Pillow's. Transparency is composited on white, except in GIFs, whose transparent
    pixels TensorFlow paints black; 16-bit values `v` become `round(v / 257)`.

    Args:
        contents: string tensor, scalar: the bytes of a file.

    Returns:
        A uint8 tensor of shape `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are no such picture, are corrupt
            or cut short, or say that they hold more than 179 megapixels.

    Example:

    >>> contents = tf.io.encode_png(tf.fill([2, 4, 1], tf.constant(7, tf.uint8)))
    >>> decode(contents).shape
    TensorShape([2, 4, 3])
    """
    branches = [_decode_jpeg, _decode_png, _decode_gif, _decode_bmp, _decode_webp]
    branches = [lambda branch=branch: branch(contents) for branch in branches]
    branches += [lambda: _refuse(_UNKNOWN), lambda: _refuse(_TOO_LARGE)]
    too_large = pixels_of(contents) > MOST_PIXELS
    index = tf.where(too_large, len(branches) - 1, kind_of(contents))
    return tf.ensure_shape(tf.switch_case(index, branches), [None, None, 3])


def _refuse(reason):
    with tf.control_dependencies([tf.debugging.Assert(False, [reason])]):
        return tf.zeros([0, 0, 3], tf.uint8)


def _decode_jpeg(contents):
    image = tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")
    orientation = orientation_of(contents)
    for turned, turn in (
        ((5, 6, 7, 8), lambda image: tf.transpose(image, [1, 0, 2])),
        ((2, 3, 6, 7), lambda image: tf.reverse(image, [1])),
        ((3, 4, 7, 8), lambda image: tf.reverse(image, [0])),
    ):
        image = tf.cond(
            tf.reduce_any(orientation == turned),
            lambda image=image, turn=turn: turn(image),
            lambda image=image: image,
        )
    return image


def _decode_png(contents):
    # Four channels know every kind of transparency, but TensorFlow is right about them
    # at 8 bits only: at 1, 2 and 4 it makes opaque pixels clear.
    depth = number_at(first_bytes(contents, 32), 24, 1)
    image = tf.cond(
        depth == 8,
        lambda: tf.io.decode_png(contents, channels=4),
        lambda: to_8_bits(tf.io.decode_png(contents, dtype=tf.uint16)),
    )
    return to_rgb(image)


def _decode_gif(contents):
    return tf.io.decode_image(contents, channels=3, expand_animations=False)


def _decode_bmp(contents):
    image = tf.io.decode_bmp(contents)

    def look_up():
        data = first_bytes(contents, 2048)
        palette = 14 + number_at(data, 14, 4, little=True)
        # Blue, green, red and a byte that is not used.
        places = palette + 4 * tf.range(256, dtype=tf.int64)[:, None] + [2, 1, 0]
        colors = tf.cast(number_at(data, places, 1), tf.uint8)
        return tf.gather(colors, tf.cast(image[..., 0], tf.int32))

    # The fourth byte of a 32-bit pixel is as often padding as it is alpha.
    return tf.cond(tf.shape(image)[-1] == 1, look_up, lambda: image[..., :3])


def _decode_webp(contents):
    return to_rgb(tf.image.decode_webp(contents)[0])


def why_unreadable(contents):
    """Says, in a few words, why `decode` refuses the bytes of a file."""
    if not contents:
        return "the file is empty"
    kind = int(kind_of(contents))
    if kind == len(SIGNATURES):
        is_webp = contents[8:12] == b"WEBP"
        return "an animated WebP: only still ones are read" if is_webp else _UNKNOWN
    name = list(SIGNATURES)[kind]
    try:
        pixels = int(pixels_of(contents))
    except tf.errors.InvalidArgumentError:
        pixels = 0
    if pixels > MOST_PIXELS:
        return (
            f"a {name} of {pixels / 1e6:.0f} megapixels; at most "
            f"{MOST_PIXELS / 1e6:.0f} are read: make it smaller"
        )
    return f"a {name} that is corrupt, cut short or of a rare kind"
