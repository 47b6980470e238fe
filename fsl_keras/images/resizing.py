"""Resizing images: stretched, cropped or padded."""

import tensorflow as tf

from fsl_keras.typing import Tensor

RESIZES = ("stretch", "crop", "pad")


def check_resize(resize: str) -> None:
    """Raises a ValueError for any value that is not one of `RESIZES`."""
    if resize not in RESIZES:
        raise ValueError(
            f"`resize` must be one of {list(RESIZES)}. Received: resize={resize!r}"
        )


def to_size(images: Tensor, size: tuple[int, int], resize: str) -> Tensor:
    """Resizes images, bilinear with antialiasing; see `fit`.

    Args:
        images: uint8 or float32 tensor `[..., height, width, c]`.
        size: pair of integers `(height, width)`.
        resize: string, one of `RESIZES`.

    Returns:
        A tensor `[..., *size, c]` of the type of `images`.
    """
    if tuple(images.shape[-3:-1]) == size:
        return images
    shape = tf.shape(images, out_type=tf.int64)
    flat = tf.reshape(images, tf.concat([[-1], shape[-3:]], axis=0))
    source, target = source_and_target((shape[-3], shape[-2]), size, resize)
    if resize == "crop":
        (top, left), (height, width) = margins((shape[-3], shape[-2]), source), source
        flat = flat[:, top : top + height, left : left + width]
    flat = tf.image.resize(flat, tf.cast(target, tf.int32), antialias=True)
    if resize == "pad":
        (top, left), (height, width) = margins(size, target), target
        rest = [[top, size[0] - height - top], [left, size[1] - width - left]]
        paddings = tf.cast([[0, 0], *rest, [0, 0]], tf.int64)
        flat = tf.pad(flat, paddings, constant_values=float(white(images)))
    resized = tf.reshape(
        like(images, flat), tf.concat([shape[:-3], size, shape[-1:]], axis=0)
    )
    return tf.ensure_shape(resized, [*images.shape[:-3], *size, images.shape[-1]])


def source_and_target(given: tuple, wanted: tuple, resize: str) -> tuple[tuple, tuple]:
    """Returns the sizes of the centered parts of the image and of the result.

    Args:
        given: pair `(height, width)` of the image, integers or int64 tensors.
        wanted: pair of integers, `(height, width)` of the result.
        resize: string, one of `RESIZES`.

    Returns:
        A pair of pairs `(height, width)`: of the part that is resized, and of the
        part of the result that it is resized to.
    """
    (height, width), (rows, columns) = given, wanted
    if resize == "crop":
        kept = (width * rows // columns, height * columns // rows)
        return tuple(map(_at_least_one, kept, given)), wanted
    if resize == "pad":
        inner = (_quotient(height * columns, width), _quotient(width * rows, height))
        return given, tuple(map(_at_least_one, inner, wanted))
    return given, wanted


def margins(outer: tuple, inner: tuple) -> tuple:
    """Returns the numbers of rows above and columns left of a centered part."""
    return tuple((whole - part) // 2 for whole, part in zip(outer, inner, strict=True))


def _at_least_one(pixels, most):
    return tf.clip_by_value(tf.cast(pixels, tf.int64), 1, tf.cast(most, tf.int64))


def _quotient(dividend, divisor):
    """Returns the quotient, rounded to the nearest integer, halves up."""
    return (2 * dividend + divisor) // (2 * divisor)


def white(images: Tensor) -> int:
    """Returns the value of white in uint8 or float images."""
    return 255 if images.dtype == tf.uint8 else 1


def like(images: Tensor, values: Tensor) -> Tensor:
    """Returns float32 values in the type of `images`; halves round up, as in Pillow."""
    if images.dtype == tf.uint8:
        return tf.saturate_cast(tf.floor(values + 0.5), tf.uint8)
    return tf.clip_by_value(values, 0.0, 1.0)
