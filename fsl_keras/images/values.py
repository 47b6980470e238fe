"""The values of images: size, channels and range."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.images.resizing import check_resize, like, to_size, white
from fsl_keras.typing import Tensor

# Pillow's ITU-R 601 weights, of 65536: exact in float32, so that white stays white.
_LUMA = (19595, 38470, 7471)

# The number of pixels that are computed in float32 at a time: an image of a hundred
# megapixels would take gigabytes.
_PIECE = 2**20

_OWN_RANGES = {tf.bool: (0, 1), tf.uint8: (0, 255), tf.uint16: (0, 65535)}


def fit(
    images: Tensor,
    size: tuple[int, int],
    channels: int,
    invert: bool = False,
    resize: str = "stretch",
) -> Tensor:
    """Converts images to one size and channel count.

    Transparency is composited on white, RGB becomes gray by the ITU-R 601 luma
    `0.299 R + 0.587 G + 0.114 B` with Pillow's weights (uint8 images equal
    `convert("L")`), and resizing is bilinear with antialiasing. An image that has the
    size and channels already stays bit-identical.

    Args:
        images: array or tensor `[..., height, width, c]` with `c` 1 (gray), 2 (gray,
            alpha), 3 (RGB) or 4 (RGBA): uint8 from 0 to 255 or float from 0 to 1.
            uint16 and bool images are converted to uint8 first.
        size: `(height, width)` of the result, in pixels.
        channels: 1 for grayscale or 3 for RGB.
        invert: bool, True for dark ink on white paper: ink becomes 1 and paper 0.
        resize: how an image of another aspect ratio is resized to `size`:

            - `"stretch"`: resized whole, which changes its aspect ratio;
            - `"crop"`: the largest part in its center that has the aspect ratio of
              `size` is resized, as Keras's `crop_to_aspect_ratio` does;
            - `"pad"`: resized whole to fit into `size`, and centered on white, which
              becomes 0 with `invert`.

    Returns:
        A tensor `[..., *size, channels]`: uint8 (rounded) if `images` are integers
        or bool, else float32 in [0, 1].

    Raises:
        ValueError: If `images` have another number of channels or (outside of a
            graph) values that `to_unit_range` refuses.

    Example:

    >>> checks = np.array([[[0], [255]], [[255], [0]]], "uint8")
    >>> fit(checks, size=(1, 1), channels=3).numpy()
    array([[[128, 128, 128]]], dtype=uint8)
    """
    if channels not in (1, 3):
        raise ValueError(
            f"`channels` must be 1 (grayscale) or 3 (RGB). Received: "
            f"channels={channels!r}"
        )
    check_resize(resize)
    images = _as_uint8_or_float(tf.convert_to_tensor(images))
    images = _to_channels(images, channels)
    images = to_size(images, (size[0], size[1]), resize)
    return white(images) - images if invert else images


def _as_uint8_or_float(images):
    if images.dtype == tf.uint16:
        return to_8_bits(images)
    if images.dtype == tf.bool:
        return 255 * tf.cast(images, tf.uint8)
    return images if images.dtype == tf.uint8 else to_unit_range(images)


def to_8_bits(images: Tensor) -> Tensor:
    """Converts uint16 images to uint8."""

    def rounded(pixels):
        return tf.cast(tf.round(tf.cast(pixels, tf.float32) / 257), tf.uint8)

    return _by_pixel(rounded, images, images.shape[-1])


def _to_channels(images, channels):
    if images.shape.rank >= 3 and 0 in images.shape[-3:-1]:
        raise ValueError(f"An image of shape {tuple(images.shape)} has no pixels.")
    given = images.shape[-1] if images.shape.rank >= 3 else "no"
    if given not in (1, 2, 3, 4, None):
        raise ValueError(
            "Images must have the shape [..., height, width, channels] with 1 to 4 "
            f"channels. Received: {given} channels in shape {tuple(images.shape)}. Add "
            "the channel of grayscale images with `images[..., None]`."
        )
    if given not in (1, 3):
        images = to_rgb(images)
    if channels == 3:
        return _repeated(images)
    return images if given == 1 else _to_gray(images)


def to_rgb(images: Tensor) -> Tensor:
    """Returns RGB of gray, gray and alpha, RGB or RGBA, also of unknown channels."""
    has_alpha = tf.shape(images)[-1] % 2 == 0
    return _repeated(tf.cond(has_alpha, lambda: _on_white(images), lambda: images))


def _repeated(images):
    if images.shape[-1] == 3:
        return images
    return tf.broadcast_to(images, tf.concat([tf.shape(images)[:-1], [3]], axis=0))


def _on_white(images):
    full = white(images)

    def composited(pixels):
        values = tf.cast(pixels, tf.float32)
        shade = (full - values[..., :-1]) * (values[..., -1:] / full)
        return like(pixels, full - shade)

    # Most uint8 images with an alpha channel are opaque, with nothing to compute.
    is_opaque = tf.reduce_all(images[..., -1] == full)
    return tf.cond(
        is_opaque & (images.dtype == tf.uint8),
        lambda: images[..., :-1],
        lambda: _by_pixel(composited, images),
    )


def _to_gray(images):
    weights = tf.constant(_LUMA, tf.float32) / 65536

    def luma(pixels):
        # A matrix product, as a sum over the last axis is slow.
        values = tf.tensordot(tf.cast(pixels, tf.float32), weights[:, None], 1)
        return like(pixels, values)

    return _by_pixel(luma, images, 1)


def _by_pixel(function, images, channels=None):
    """Applies a function of single pixels, to large images in pieces.

    Args:
        function: from pixels `[..., c]` to uint8 or float32 pixels `[..., channels]`.
        images: tensor `[..., c]`.
        channels: integer, or None where only the graph knows it.

    Returns:
        A tensor `[..., channels]`.
    """
    if images.dtype.is_floating:
        return function(images)
    flat = tf.reshape(images, [-1, tf.shape(images)[-1]])
    count = tf.shape(flat)[0]

    def in_pieces():
        def one(i, done):
            piece = flat[i * _PIECE : (i + 1) * _PIECE]
            return i + 1, done.write(i, function(piece))

        pieces = -(-count // _PIECE)
        done = tf.TensorArray(
            tf.uint8, pieces, infer_shape=False, element_shape=[None, channels]
        )
        _, done = tf.while_loop(
            lambda i, _: i < pieces, one, [0, done], parallel_iterations=1
        )
        pixels = done.concat()
        shape = tf.concat([tf.shape(images)[:-1], tf.shape(pixels)[-1:]], axis=0)
        return tf.reshape(pixels, shape)

    result = tf.cond(count <= _PIECE, lambda: function(images), in_pieces)
    return tf.ensure_shape(result, [*images.shape[:-1], channels])


def to_unit_range(images: Tensor, value_range: Sequence[float] | None = None) -> Tensor:
    """Maps the values of images to float32 from 0 to 1.

    uint8 is divided by 255 and uint16 by 65,535, bool becomes 0 and 1, floats
    must be in [0, 1] already.

    Args:
        images: array or tensor of any shape; for errors, the axes before the last
            three count images.
        value_range: `(low, high)`, the values that become 0 and 1. Needed for
            integers other than uint8 and uint16 and for floats beyond [0, 1].

    Returns:
        A float32 tensor of the shape of `images`.

    Raises:
        ValueError: If values lie outside the range or are not finite (inside a graph
            a `tf.errors.InvalidArgumentError`), or if a signed integer type comes
            without `value_range`.

    Example:

    >>> to_unit_range(np.array([0, 51, 255], "uint8")).numpy().round(6)
    array([0. , 0.2, 1. ], dtype=float32)
    >>> to_unit_range([-1.0, 0.0, 1.0], value_range=(-1, 1)).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    images = tf.convert_to_tensor(images)
    own = _OWN_RANGES.get(images.dtype, (0, 1) if images.dtype.is_floating else None)
    value_range = value_range or own
    if value_range is None:
        raise ValueError(
            f"The value range of images of type {images.dtype.name} is unknown. Pass "
            "`value_range=(0, 255)`, or cast images of 0 to 255 to uint8."
        )
    low, high = value_range
    # A product, as graphs rewrite a quotient as one: half of all uint8 values would
    # differ in the last bit from those of eager code.
    scale = 1.0 / (high - low)
    if (low, high) == own and not images.dtype.is_floating:
        # Nothing to check or to clip, as such types have no other values.
        images = tf.cast(images, tf.float32)
        return images if (low, high) == (0, 1) else images * scale
    if tf.executing_eagerly():
        _check_values(tf.cast(images, tf.float64).numpy(), low, high)
    else:
        images = _checked_in_graph(images, low, high)
    images = tf.cast(images, tf.float32)
    if (low, high) != (0, 1):
        images = (images - low) * scale
    return tf.clip_by_value(images, 0.0, 1.0)


def _checked_in_graph(images, low, high):
    values = tf.cast(images, tf.float32)
    rounding = 1e-4 * (high - low)
    fine = (values >= low - rounding) & (values <= high + rounding)
    message = (
        f"Images must have finite values from {low} to {high}. Pass the values of "
        f"black and white, for example `value_range=(0, 255)`."
    )
    least, most = tf.reduce_min(values), tf.reduce_max(values)
    seen = [message, "Received values from", least, "to", most]
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fine), seen)]):
        return tf.identity(images)


def _check_values(images, low, high):
    if images.size == 0:
        return
    finite = np.isfinite(images)
    if not finite.all():
        flat = finite.reshape(-1, *images.shape[-3:]) if images.ndim > 3 else [finite]
        where = [str(index) for index, one in enumerate(flat) if not one.all()]
        more = ", ..." if len(where) > 5 else ""
        raise ValueError(
            f"{(~finite).sum()} values are NaN or infinite, in the images of index "
            f"{', '.join(where[:5])}{more}. Remove or correct these images."
        )
    least, most = images.min(), images.max()
    rounding = 1e-4 * (high - low)
    if least < low - rounding or most > high + rounding:
        raise ValueError(
            f"Images must have values from {low} to {high}. Received: {least:g} to "
            f"{most:g}. Pass the values of black and white, for example "
            f"`value_range=(0, 255)`."
        )
