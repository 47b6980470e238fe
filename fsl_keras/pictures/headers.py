"""What the bytes of a picture file tell, without decoding it."""

import tensorflow as tf

# Where a format's bytes say which one it is. The order is that of `decode`'s branches.
SIGNATURES = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG"),
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "WebP": (8, b"WEBP"),
}


def kind_of(contents):
    """Index into `SIGNATURES`; one past the end for anything else."""
    data = first_bytes(contents, 32)
    found = [
        number_at(data, at, len(magic)) == int.from_bytes(magic)
        for at, magic in SIGNATURES.values()
    ]
    # TensorFlow's decoder corrupts memory on opaque animations: keep them out.
    extended = number_at(data, 12, 4) == int.from_bytes(b"VP8X")
    animated = extended & (number_at(data, 20, 1) // 2 % 2 == 1)
    found[-1] &= ~animated
    return tf.argmax(tf.cast([*found, True], tf.int32), output_type=tf.int32)


def pixels_of(contents):
    """How many pixels a picture file says it has; 0 for anything else."""
    data = first_bytes(contents, 32)

    def jpeg():
        return tf.reduce_prod(tf.io.extract_jpeg_shape(contents, tf.int64)[:2])

    def png():
        return number_at(data, 16, 4) * number_at(data, 20, 4)

    def gif():
        return number_at(data, 6, 2, little=True) * number_at(data, 8, 2, little=True)

    def bmp():
        # Signed: a negative height says that the rows run from top to bottom.
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


def first_bytes(contents, count):
    """At most `count` bytes as int64, and a zero that stands for all beyond them."""
    data = tf.io.decode_raw(tf.strings.substr(contents, 0, count), tf.uint8)
    return tf.pad(tf.cast(data, tf.int64), [[0, 1]])


def number_at(data, starts, size, little=False):
    """The unsigned numbers of `size` bytes that begin at `starts` in `data`."""
    at = tf.cast(starts, tf.int64)[..., None] + tf.range(size, dtype=tf.int64)
    digits = tf.gather(data, tf.minimum(at, tf.size(data, tf.int64) - 1))
    weights = tf.constant([256**place for place in range(size)], tf.int64)
    return tf.reduce_sum(digits * tf.where(little, weights, weights[::-1]), axis=-1)


def orientation_of(contents):
    """What a JPEG's EXIF says of its orientation, rightly 1 to 8; 1 without EXIF."""
    # Segments have at most 64 KiB; EXIF is the first or follows the JFIF segment.
    data = first_bytes(contents, 2**17)

    def is_exif(start):
        exif = number_at(data, start + 4, 4) == int.from_bytes(b"Exif")
        return (number_at(data, start, 2) == 0xFFE1) & exif

    def is_other_segment(start):
        marker = number_at(data, start, 2)
        return (marker > 0xFF00) & (marker != 0xFFDA) & ~is_exif(start)

    def next_segment(start):
        return [start + 2 + number_at(data, start + 2, 2)]

    start = tf.constant(2, tf.int64)
    (start,) = tf.while_loop(
        is_other_segment, next_segment, [start], maximum_iterations=100
    )
    tiff = start + 10
    little = number_at(data, tiff, 2) == int.from_bytes(b"II")
    directory = tiff + number_at(data, tiff + 4, 4, little)
    count = number_at(data, directory, 2, little)
    entries = directory + 2 + 12 * tf.range(count)
    tagged = number_at(data, entries, 2, little) == 0x0112
    value = tf.reduce_max(
        number_at(data, entries + 8, 2, little) * tf.cast(tagged, tf.int64)
    )
    return tf.where(is_exif(start), value, 1)


def is_animated(contents):
    """Says whether bytes are those of a GIF with more than one frame."""
    if not contents.startswith(b"GIF8"):
        return False

    def color_table(flags):
        return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0

    def end_of_blocks(at):
        while contents[at]:
            at += contents[at] + 1
        return at + 1

    frames = 0
    try:
        at = 13 + color_table(contents[10])
        while frames < 2 and contents[at] != 0x3B:
            if contents[at] == 0x2C:
                frames += 1
                at = end_of_blocks(at + 11 + color_table(contents[at + 9]))
            else:
                at = end_of_blocks(at + 2)
    except IndexError:  # cut short
        pass
    return frames == 2
