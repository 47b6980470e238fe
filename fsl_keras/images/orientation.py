"""The EXIF orientation of JPEG, PNG and WebP files, read and applied in a graph."""

from collections.abc import Callable

import tensorflow as tf

from fsl_keras.images.numbers import (
    first_bytes,
    length_of,
    number_at,
    number_in,
    substring,
)
from fsl_keras.typing import Tensor

_TAG, _LONG = 0x0112, 4
_MOST_EXIF = 2**16
_MOST_CHUNKS = 10_000
_EXIF = int.from_bytes(b"Exif")


def upright(image: Tensor, orientation: Tensor) -> Tensor:
    """Rotates and mirrors an image `[height, width, c]` by its EXIF orientation."""
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


def orientation_in_exif(exif: Tensor) -> Tensor:
    """Returns the orientation in EXIF bytes, 1 to 8 if valid; 0 without one."""
    data = first_bytes(exif, _MOST_EXIF)
    # Some writers keep the marker that precedes it in JPEG files.
    tiff = tf.where(number_at(data, 0, 4) == _EXIF, tf.constant(6, tf.int64), 0)
    little = number_at(data, tiff, 2) == int.from_bytes(b"II")
    directory = tiff + number_at(data, tiff + 4, 4, little)
    count = number_at(data, directory, 2, little)
    entries = directory + 2 + 12 * tf.range(count)
    is_tag = number_at(data, entries, 2, little) == _TAG
    is_long = number_at(data, entries + 2, 2, little) == _LONG
    short, long = (number_at(data, entries + 8, size, little) for size in (2, 4))
    values = tf.where(is_long, long, short) * tf.cast(is_tag, tf.int64)
    return tf.reduce_max(tf.concat([values, [0]], axis=0))


def orientation_in_jpeg(contents: Tensor) -> Tensor:
    """Returns the orientation of a JPEG; 0 without EXIF."""

    def is_exif(start):
        marker = number_in(contents, start, 2)
        return (marker == 0xFFE1) & (number_in(contents, start + 4, 4) == _EXIF)

    def is_other_segment(start):
        marker = number_in(contents, start, 2)
        return (marker > 0xFF00) & (marker != 0xFFDA) & ~is_exif(start)

    def next_segment(start):
        return [start + 2 + number_in(contents, start + 2, 2)]

    (start,) = tf.while_loop(
        is_other_segment,
        next_segment,
        [tf.constant(2, tf.int64)],
        maximum_iterations=100,
    )
    return orientation_if(is_exif(start), contents, start + 4, _MOST_EXIF)


def orientation_in_webp(contents: Tensor) -> Tensor:
    """Returns the orientation in the EXIF chunk of a WebP; 0 without one."""

    def size_of(start):
        return number_in(contents, start + 4, 4, little=True)

    def is_exif(start):
        return number_in(contents, start, 4) == int.from_bytes(b"EXIF")

    def length_with_padding(start):
        return 8 + size_of(start) + size_of(start) % 2

    start = chunk(contents, 12, is_exif, length_with_padding)
    return orientation_if(is_exif(start), contents, start + 8, size_of(start))


def chunk(
    contents: Tensor,
    start: int,
    is_wanted: Callable[[Tensor], Tensor],
    length: Callable[[Tensor], Tensor],
) -> Tensor:
    """Returns where the first wanted chunk begins, or the end of the last.

    Args:
        contents: string tensor.
        start: integer, where the first chunk begins.
        is_wanted: function from the start of a chunk to a bool tensor.
        length: function from the start of a chunk to its length.
    """
    end = length_of(contents)
    (start,) = tf.while_loop(
        lambda start: (start < end) & ~is_wanted(start),
        lambda start: [start + length(start)],
        [tf.constant(start, tf.int64)],
        maximum_iterations=_MOST_CHUNKS,
    )
    return start


def orientation_if(
    is_exif: Tensor, contents: Tensor, start: Tensor, size: Tensor
) -> Tensor:
    """Returns the orientation in the EXIF bytes at `start`; 0 without EXIF."""
    return tf.cond(
        is_exif,
        lambda: orientation_in_exif(substring(contents, start, size)),
        lambda: tf.zeros([], tf.int64),
    )
