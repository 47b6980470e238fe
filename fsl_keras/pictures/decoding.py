"""Pictures from the bytes of their files."""

import tensorflow as tf

from fsl_keras.pictures.values import to_8_bits, to_rgb

# Where a format's bytes say which one it is. The order is that of `decode`'s branches.
_SIGNATURES = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG"),
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "WebP": (8, b"WEBP"),
}
_UNKNOWN = "not a JPEG, PNG, GIF, BMP or still WebP picture"


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
            or cut short.

    Example:

    >>> contents = tf.io.encode_png(tf.fill([2, 4, 1], tf.constant(7, tf.uint8)))
    >>> decode(contents).shape
    TensorShape([2, 4, 3])
    """
    branches = [_decode_jpeg, _decode_png, _decode_gif, _decode_bmp, _decode_webp]
    branches = [lambda branch=branch: branch(contents) for branch in branches]
    image = tf.switch_case(_kind(contents), [*branches, _refuse])
    return tf.ensure_shape(image, [None, None, 3])


def _kind(contents):
    """Index into `_SIGNATURES`; one past the end for anything else."""
    data = _first_bytes(contents, 32)
    found = [
        _number(data, at, len(magic)) == int.from_bytes(magic)
        for at, magic in _SIGNATURES.values()
    ]
    # TensorFlow's decoder corrupts memory on opaque animations: keep them out.
    extended = _number(data, 12, 4) == int.from_bytes(b"VP8X")
    animated = extended & (_number(data, 20, 1) // 2 % 2 == 1)
    found[-1] &= ~animated
    return tf.argmax(tf.cast([*found, True], tf.int32), output_type=tf.int32)


def _refuse():
    with tf.control_dependencies([tf.debugging.Assert(False, [_UNKNOWN])]):
        return tf.zeros([0, 0, 3], tf.uint8)


def _decode_jpeg(contents):
    image = tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")
    orientation = _orientation(contents)
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
    depth = _number(_first_bytes(contents, 32), 24, 1)
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
        data = _first_bytes(contents, 2048)
        palette = 14 + _number(data, 14, 4, little=True)
        entry = palette + 4 * tf.cast(image, tf.int64)
        red, green, blue = (_number(data, entry + place, 1) for place in (2, 1, 0))
        return tf.cast(tf.concat([red, green, blue], axis=-1), tf.uint8)

    # The fourth byte of a 32-bit pixel is as often padding as it is alpha.
    return tf.cond(tf.shape(image)[-1] == 1, look_up, lambda: image[..., :3])


def _decode_webp(contents):
    return to_rgb(tf.image.decode_webp(contents)[0])


def _first_bytes(contents, count):
    """At most `count` bytes as int64, and a zero that stands for all beyond them."""
    data = tf.io.decode_raw(tf.strings.substr(contents, 0, count), tf.uint8)
    return tf.pad(tf.cast(data, tf.int64), [[0, 1]])


def _number(data, starts, size, little=False):
    """The unsigned numbers of `size` bytes that begin at `starts` in `data`."""
    at = tf.cast(starts, tf.int64)[..., None] + tf.range(size, dtype=tf.int64)
    digits = tf.gather(data, tf.minimum(at, tf.size(data, tf.int64) - 1))
    weights = tf.constant([256**place for place in range(size)], tf.int64)
    return tf.reduce_sum(digits * tf.where(little, weights, weights[::-1]), axis=-1)


def _orientation(contents):
    """What a JPEG's EXIF says of its orientation, rightly 1 to 8; 1 without EXIF."""
    # Segments have at most 64 KiB; EXIF is the first or follows the JFIF segment.
    data = _first_bytes(contents, 2**17)

    def is_exif(start):
        exif = _number(data, start + 4, 4) == int.from_bytes(b"Exif")
        return (_number(data, start, 2) == 0xFFE1) & exif

    def is_other_segment(start):
        marker = _number(data, start, 2)
        return (marker > 0xFF00) & (marker != 0xFFDA) & ~is_exif(start)

    def next_segment(start):
        return [start + 2 + _number(data, start + 2, 2)]

    start = tf.constant(2, tf.int64)
    (start,) = tf.while_loop(
        is_other_segment, next_segment, [start], maximum_iterations=100
    )
    tiff = start + 10
    little = _number(data, tiff, 2) == int.from_bytes(b"II")
    directory = tiff + _number(data, tiff + 4, 4, little)
    count = _number(data, directory, 2, little)
    entries = directory + 2 + 12 * tf.range(count)
    tagged = _number(data, entries, 2, little) == 0x0112
    value = tf.reduce_max(
        _number(data, entries + 8, 2, little) * tf.cast(tagged, tf.int64)
    )
    return tf.where(is_exif(start), value, 1)


def why_unreadable(contents):
    """Says, in a few words, why `decode` refuses the bytes of a file."""
    if not contents:
        return "the file is empty"
    kind = int(_kind(contents))
    if kind == len(_SIGNATURES):
        return _UNKNOWN
    return f"a {list(_SIGNATURES)[kind]} that is corrupt, cut short or of a rare kind"
