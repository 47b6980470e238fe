"""Numbers in the bytes of a file, read in a graph."""

import tensorflow as tf

from fsl_keras.typing import Tensor


def first_bytes(contents: Tensor, count: int) -> Tensor:
    """Returns at most `count` bytes as int64, and a zero for all bytes after them."""
    data = tf.io.decode_raw(tf.strings.substr(contents, 0, count), tf.uint8)
    return tf.pad(tf.cast(data, tf.int64), [[0, 1]])


def number_at(
    data: Tensor, starts: Tensor, size: int, little: bool | Tensor = False
) -> Tensor:
    """Returns the unsigned numbers of `size` bytes that begin at `starts` in `data`."""
    at = tf.cast(starts, tf.int64)[..., None] + tf.range(size, dtype=tf.int64)
    digits = tf.gather(data, tf.minimum(at, tf.size(data, tf.int64) - 1))
    weights = tf.constant([256**place for place in range(size)], tf.int64)
    return tf.reduce_sum(digits * tf.where(little, weights, weights[::-1]), axis=-1)


def substring(contents: Tensor, start: Tensor, count: Tensor) -> Tensor:
    """Returns at most `count` bytes from `start` on; none after the end."""
    start = tf.minimum(tf.cast(start, tf.int64), length_of(contents))
    return tf.strings.substr(contents, start, tf.cast(count, tf.int64))


def number_in(
    contents: Tensor, start: Tensor, size: int, little: bool | Tensor = False
) -> Tensor:
    """Returns the unsigned number of `size` bytes at `start`; zeros after the end."""
    return number_at(
        first_bytes(substring(contents, start, size), size), 0, size, little
    )


def length_of(contents: Tensor) -> Tensor:
    """Returns the number of bytes, as int64."""
    return tf.cast(tf.strings.length(contents), tf.int64)
