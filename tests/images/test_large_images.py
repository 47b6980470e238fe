"""Pictures of many megapixels: the same numbers as of small ones, in bounded memory."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.images import decode, fit, read
from fsl_keras.images.headers import pixels_of
from fsl_keras.layers import ImagePreprocessing
from tests.images.test_images import FILES, encode, on_white

STATUS, RESET = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def gradient(height, width, channels):
    """Every value beside every other, so that a mistake in a part is seen."""
    rows, columns = np.arange(height)[:, None], np.arange(width)
    parts = [
        rows + 3 * columns,
        5 * rows - columns,
        rows * columns // 99,
        columns + 0 * rows,
    ]
    return np.stack(parts[:channels], axis=-1).astype("uint8")


# More than are computed at a time, and no multiple of it.
SIZE = (1100, 1011)


@pytest.mark.parametrize("name", ["alpha.png", "opaque.png", "palette.bmp"])
def test_a_large_file_is_decoded_as_by_pillow(name):
    image = Image.fromarray(gradient(*SIZE, 4))
    if name != "alpha.png":
        image.putalpha(255)
    if name == "palette.bmp":
        image = image.convert("RGB").quantize(16)
    options = {"compress_level": 1} if name.endswith("png") else {}
    contents = encode(image, name[-3:], **options)
    np.testing.assert_array_equal(decode(contents), on_white(contents))


def test_large_images_are_computed_as_their_parts():
    rgba = gradient(*SIZE, 4)
    for images, channels in [
        (rgba[..., :3], 1),
        (rgba, 3),
        (rgba[..., 2:], 1),
        (257 * rgba[..., :1].astype("uint16") + 90, 1),
    ]:
        parts = [
            fit(half, half.shape[:2], channels) for half in (images[:500], images[500:])
        ]
        whole = fit(images, SIZE, channels)
        np.testing.assert_array_equal(whole, np.concatenate(parts))


@pytest.fixture
def many(tmp_path):
    """Three files of one picture of 6,000 x 6,000 pixels."""
    image = Image.fromarray(np.zeros((6000, 6000, 3), "uint8"))
    contents = encode(image, "PNG", compress_level=1)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        path.write_bytes(contents)
    return paths


@pytest.mark.skipif(not RESET.exists(), reason="measures the memory as Linux does")
def test_memory_does_not_grow_with_the_number_of_large_files(many):
    def kilobytes(name):
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines[name].split()[0])

    read(many[:1], (8, 8), 3)  # what is made once
    RESET.write_text("5")  # forgets the peak so far
    before = kilobytes("VmRSS")
    images, _, _ = read(many, (8, 8), 3, threads=3)
    # Two of 36 megapixels at a time, at 7 bytes each.
    assert kilobytes("VmHWM") - before < 620_000
    assert images.max() == 0


@pytest.mark.parametrize("name", FILES)
def test_the_number_of_pixels_is_known_without_decoding(name):
    width, height = Image.open(io.BytesIO(FILES[name])).size
    assert pixels_of(FILES[name]) == width * height


def test_what_is_not_an_image_has_no_pixels():
    assert [int(pixels_of(data)) for data in (b"", b"BM", b"no picture")] == [0, 0, 0]


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    # A few bytes that say they are 20,000 x 10,100 pixels.
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 10_100, 8, 2, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    whole += struct.pack(">I", zlib.crc32(header)) + FILES["png"][33:]
    path = tmp_path / "bomb.png"
    path.write_bytes(whole)
    images, _, skipped = read([path], (4, 4), 3)
    assert len(images) == 0
    reason = "a PNG of 202 megapixels; at most 179 are read: make it smaller"
    assert skipped == [(str(path), reason)]
    layer = ImagePreprocessing((4, 4), 3)
    with pytest.raises(ValueError, match="item of index 0: a PNG of 202 megapixels"):
        layer.from_bytes([whole])
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 179 megapix"):
        tf.function(layer.from_bytes)(tf.constant([whole]))
