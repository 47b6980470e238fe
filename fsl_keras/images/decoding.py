"""Decoding the contents of image files."""

import functools
from collections.abc import Callable

import tensorflow as tf

from fsl_keras.images import gif, png
from fsl_keras.images.headers import MOST_PIXELS, SIGNATURES, kind_of, pixels_of
from fsl_keras.images.kinds import kind_of_bytes
from fsl_keras.images.numbers import first_bytes, number_at, number_in
from fsl_keras.images.orientation import (
    orientation_in_jpeg,
    orientation_in_webp,
    upright,
)
from fsl_keras.images.pillow import (
    UnreadableImage,
    corrupt,
    decode_by_pillow,
    named,
    opened,
    too_large,
)
from fsl_keras.images.values import to_8_bits, to_rgb
from fsl_keras.typing import Tensor

_NOT_IN_A_GRAPH = (
    "not a JPEG, PNG, GIF, BMP or still WebP image that TensorFlow decodes"
)
_TOO_LARGE = f"an image of more than {MOST_PIXELS / 1e6:.0f} megapixels"

# Compiled, as eager operations take 20 ms instead of 0.5 ms.
_of_bytes = tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)


def decode(contents: bytes | Tensor) -> Tensor:
    """Decodes the bytes of one image file to RGB, upright, on white.

    The bytes determine the kind of file. JPEG, PNG, GIF, BMP and still WebP are
    decoded in TensorFlow operations, so that `decode` may be part of a SavedModel.
    Outside of a graph Pillow decodes the others: TIFF, AVIF, HEIC (with `pip install
    "fsl-keras[heif]"`), animated WebP, compressed BMP, and GIF whose first frame does
    not fill the canvas. The EXIF orientation is applied. Of several frames or pages the
    first is decoded. Transparency is composited on white. Pixels equal those of
    Pillow; 16-bit gray values `v` become `round(v / 257)`.

    Args:
        contents: bytes or string tensor, scalar: the contents of a file.

    Returns:
        A uint8 tensor of shape `[height, width, 3]`.

    Raises:
        ValueError: If the bytes are not such an image, are corrupt or truncated, or
            the image has more than 179 megapixels; inside of a graph a
            `tf.errors.InvalidArgumentError`.

    Example:

    >>> contents = tf.io.encode_png(tf.fill([2, 4, 1], tf.constant(7, tf.uint8)))
    >>> decode(contents).shape
    TensorShape([2, 4, 3])
    """
    contents = tf.convert_to_tensor(contents, tf.string)
    if not tf.executing_eagerly():
        return decode_by_tensorflow(contents)
    contents = contents.numpy()
    return decode_kind(contents, kind_and_pixels(contents)[0])


def kind_and_pixels(contents: bytes) -> tuple[int, int]:
    """Returns `kind_of` and the number of pixels of an image, without decoding it.

    Raises:
        UnreadableImage: If its header shows that it cannot be decoded.
    """
    try:
        kind, pixels = (int(number) for number in _kind_and_pixels(contents))
    except tf.errors.InvalidArgumentError as error:
        raise UnreadableImage(corrupt(named(kind_of_bytes(contents)))) from error
    if kind == len(SIGNATURES):
        with opened(contents) as image:
            pixels = image.width * image.height
    elif pixels > MOST_PIXELS:
        raise UnreadableImage(too_large(named(list(SIGNATURES)[kind]), pixels))
    return kind, pixels


def decode_kind(contents: bytes, kind: int) -> Tensor:
    """Decodes bytes whose kind is known; see `decode`.

    Raises:
        UnreadableImage: If they cannot be decoded.
    """
    if kind == len(SIGNATURES):
        image = tf.convert_to_tensor(decode_by_pillow(contents))
        return to_rgb(to_8_bits(image) if image.dtype == tf.uint16 else image)
    try:
        return _compiled(kind)(contents)
    except tf.errors.InvalidArgumentError as error:
        raise UnreadableImage(corrupt(named(list(SIGNATURES)[kind]))) from error


def decode_in_process(contents: Tensor) -> Tensor:
    """Like `decode` outside of a graph; for graphs that are not exported."""

    def by_pillow():
        image = tf.numpy_function(_by_pillow, [contents], tf.uint8, stateful=False)
        return tf.ensure_shape(image, [None, None, 3])

    return tf.cond(
        kind_of(contents) == len(SIGNATURES),
        by_pillow,
        lambda: decode_by_tensorflow(contents),
    )


def _by_pillow(contents):
    return decode_kind(contents, len(SIGNATURES)).numpy()


@_of_bytes
def decode_by_tensorflow(contents: Tensor) -> Tensor:
    """Like `decode` inside of a graph."""
    branches: list[Callable[[], Tensor]] = [
        functools.partial(decode, contents) for decode in _decoders()
    ]
    branches += [lambda: _refuse(_NOT_IN_A_GRAPH), lambda: _refuse(_TOO_LARGE)]
    is_large = pixels_of(contents) > MOST_PIXELS
    index = tf.where(is_large, len(branches) - 1, kind_of(contents))
    return tf.ensure_shape(tf.switch_case(index, branches), [None, None, 3])


@_of_bytes
def _kind_and_pixels(contents):
    return kind_of(contents), pixels_of(contents)


@functools.cache
def _compiled(kind):
    return _of_bytes(_decoders()[kind])


def _decoders():
    """The decoders in the order of `SIGNATURES`."""
    return _decode_jpeg, _decode_png, _decode_gif, _decode_bmp, _decode_webp


def _refuse(reason):
    with tf.control_dependencies([tf.debugging.Assert(False, [reason])]):
        return tf.zeros([0, 0, 3], tf.uint8)


def _decode_jpeg(contents):
    image = tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")
    return upright(image, orientation_in_jpeg(contents))


def _decode_png(contents):
    depth, color = (number_in(contents, at, 1) for at in (24, 25))

    def of_other_depths():
        image = tf.io.decode_png(contents, dtype=tf.uint16)
        image = png.on_white(image, contents, depth, color)
        # Pillow reads only the upper byte of 16-bit colors, but all of 16-bit gray.
        is_reduced = (depth == 16) & (color != 0)
        return tf.cond(
            is_reduced,
            lambda: tf.cast(image // 256, tf.uint8),
            lambda: to_8_bits(image),
        )

    # Four channels support every kind of transparency, but TensorFlow decodes them
    # correctly at 8 bits only: at 1, 2 and 4 it makes opaque pixels transparent.
    image = tf.cond(
        depth == 8,
        lambda: tf.io.decode_png(contents, channels=4),
        of_other_depths,
    )
    return upright(to_rgb(image), png.orientation(contents))


def _decode_gif(contents):
    contents = gif.on_white(contents)
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
    image = to_rgb(tf.image.decode_webp(contents)[0])
    return upright(image, orientation_in_webp(contents))
