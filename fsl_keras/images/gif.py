"""The first frame of a GIF: its place, and its transparent pixels in white."""

import tensorflow as tf

from fsl_keras.images.numbers import length_of, number_in, substring
from fsl_keras.typing import Tensor

_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_HAS_COLORS = 0x80  # of the flags of the canvas and of a frame
_MOST_BLOCKS = 100_000


def fills_canvas(contents: Tensor) -> Tensor:
    """Returns whether the first frame is as large as the canvas."""
    _, frame = _first_frame(contents)

    def numbers(*starts):
        return tf.stack([number_in(contents, at, 2, little=True) for at in starts])

    is_frame = number_in(contents, frame, 1) == _IMAGE
    same_size = tf.reduce_all(numbers(frame + 5, frame + 7) == numbers(6, 8))
    return is_frame & same_size


def on_white(contents: Tensor) -> Tensor:
    """Returns the GIF with the transparent color of its first frame opaque white.

    TensorFlow paints transparent pixels black, so the color table is changed.
    """
    control, frame = _first_frame(contents)
    flags = number_in(contents, control + 3, 1)
    color = number_in(contents, control + 6, 1)
    is_own = number_in(contents, frame + 9, 1) >= _HAS_COLORS
    has_colors = is_own | (number_in(contents, 10, 1) >= _HAS_COLORS)
    at = tf.where(is_own, frame + 10, 13) + 3 * color

    def replaced():
        opaque = tf.gather(_BYTES, flags - 1)
        return _with(_with(contents, at, b"\xff\xff\xff"), control + 3, opaque)

    is_transparent = (control > 0) & (flags % 2 == 1) & has_colors
    return tf.cond(is_transparent, replaced, lambda: contents)


_BYTES = [bytes([value]) for value in range(256)]


def _with(contents, at, new):
    end = at + tf.cast(tf.strings.length(new), tf.int64)
    rest = substring(contents, end, length_of(contents))
    return tf.strings.join([substring(contents, 0, at), new, rest])


def _first_frame(contents):
    """Returns where its graphic control extension and the frame begin.

    The first is 0 if there is no such extension.
    """

    def is_before_frame(at, control, in_data):
        return in_data | (number_in(contents, at, 1) == _EXTENSION)

    def following(at, control, in_data):
        # Data are blocks that begin with their length; a block of length 0 is the last.
        size = number_in(contents, at, 1)
        is_control = number_in(contents, at + 1, 1) == _GRAPHIC_CONTROL
        control = tf.where(~in_data & is_control, at, control)
        return at + tf.where(in_data, size + 1, 2), control, ~in_data | (size > 0)

    flags = number_in(contents, 10, 1)
    colors = tf.where(
        flags >= _HAS_COLORS,
        3 * tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8),
        0,
    )
    start = [13 + colors, tf.zeros([], tf.int64), tf.constant(False)]
    at, control, _ = tf.while_loop(
        is_before_frame, following, start, maximum_iterations=_MOST_BLOCKS
    )
    return control, at


def is_animated(contents: bytes) -> bool:
    """Returns whether bytes are those of a GIF with more than one frame."""
    if not contents.startswith(b"GIF8"):
        return False

    def color_table(flags):
        return 3 * 2 ** (flags % 8 + 1) if flags & _HAS_COLORS else 0

    def end_of_blocks(at):
        while contents[at]:
            at += contents[at] + 1
        return at + 1

    frames = 0
    try:
        at = 13 + color_table(contents[10])
        while frames < 2 and contents[at] != 0x3B:
            if contents[at] == _IMAGE:
                frames += 1
                at = end_of_blocks(at + 11 + color_table(contents[at + 9]))
            else:
                at = end_of_blocks(at + 2)
    except IndexError:  # cut short
        pass
    return frames == 2
