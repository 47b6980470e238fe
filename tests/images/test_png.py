"""A clear color in PNG files of other depths than 8 bits."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fsl_keras import images

GREY, RGB = 0, 2


def chunk(name, data):
    return (
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", zlib.crc32(name + data))
    )


def png(width, depth, color, row, clear):
    """A file of one row, with the color that is transparent."""
    header = struct.pack(">IIBBBBB", width, 1, depth, color, 0, 0, 0)
    chunks = [
        chunk(b"IHDR", header),
        chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear)),
        chunk(b"IDAT", zlib.compress(b"\0" + row)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("depth", "row", "clear", "expected"),
    [
        (1, bytes([0b01000000]), 0, [255, 255]),
        (1, bytes([0b01000000]), 1, [0, 255]),
        (2, bytes([0b01100000]), 1, [255, 170]),
        (4, bytes([0x5A]), 5, [255, 170]),
        (4, bytes([0x0A]), 0, [255, 170]),
        (16, struct.pack(">HH", 300, 25700), 300, [255, 100]),
    ],
)
def test_a_clear_shade_of_gray_is_white(depth, row, clear, expected):
    contents = png(2, depth, GREY, row, [clear])
    assert images.decode(contents)[0, :, 0].numpy().tolist() == expected
    # Pillow does not scale the clear shade of 2 and 4 bits.
    if clear == 0 or depth not in (2, 4):
        values = images.from_pillow(Image.open(io.BytesIO(contents)))
        fitted = images.fit(values, (1, 2), 1)
        assert fitted.numpy().ravel().tolist() == expected


def test_a_clear_color_of_16_bits_is_white():
    row = struct.pack(">6H", 0, 0, 0, 257, 514, 771)
    decoded = images.decode(png(2, 16, RGB, row, [257, 514, 771]))
    assert decoded[0].numpy().tolist() == [[0, 0, 0], [255, 255, 255]]
    black = png(2, 16, RGB, row, [0, 0, 0])
    expected = [[255, 255, 255], [1, 2, 3]]
    assert images.decode(black)[0].numpy().tolist() == expected
    values = images.from_pillow(Image.open(io.BytesIO(black)))
    np.testing.assert_array_equal(images.fit(values, (1, 2), 3)[0], expected)
