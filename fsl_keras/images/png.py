"""The chunks of a PNG that TensorFlow ignores."""

import tensorflow as tf

from fsl_keras.images.numbers import number_in
from fsl_keras.images.orientation import chunk, orientation_if
from fsl_keras.typing import Tensor

_GRAY, _RGB = 0, 2


def orientation(contents: Tensor) -> Tensor:
    """Returns the orientation in the eXIf chunk; 0 without one."""
    start, is_there = _chunk_named(b"eXIf", contents)
    size = number_in(contents, start, 4)
    return orientation_if(is_there, contents, start + 8, size)


def on_white(image: Tensor, contents: Tensor, depth: Tensor, color: Tensor) -> Tensor:
    """Makes pixels of the transparent color of the tRNS chunk white.

    TensorFlow reads this chunk only in images of 8 bits, and in palettes.

    Args:
        image: uint16 tensor `[height, width, c]`, scaled to 65,535.
        contents: string tensor, the bytes of the file.
        depth: integer tensor, bits of a value in the file.
        color: integer tensor, the type of colors in the file.
    """
    start, is_there = _chunk_named(b"tRNS", contents)
    most = tf.bitwise.left_shift(tf.ones([], tf.int64), depth) - 1

    def with_white():
        values = [number_in(contents, start + at, 2) for at in (8, 10, 12)]
        clear = tf.cast(tf.stack(values) * (65535 // most), tf.uint16)
        is_clear = tf.reduce_all(image == clear[: tf.shape(image)[-1]], -1)
        return tf.where(is_clear[..., None], tf.constant(65535, tf.uint16), image)

    has_clear = is_there & ((color == _GRAY) | (color == _RGB))
    return tf.cond(has_clear, with_white, lambda: image)


def _chunk_named(name, contents):
    def is_it(start):
        return number_in(contents, start + 4, 4) == int.from_bytes(name)

    def length(start):
        return 12 + number_in(contents, start, 4)

    start = chunk(contents, 8, is_it, length)
    return start, is_it(start)
