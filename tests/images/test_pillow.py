"""An image opened by Pillow and the path of its file give the same numbers."""

import io
import struct
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fsl_keras.images import animated, decode, fit, from_pillow, read
from fsl_keras.layers import ImagePreprocessing
from tests.images.test_images import FILES, encode, noise, on_white

SIZE = (22, 31)


def deep(kind, byte_order="<"):
    """A 16-bit grey image."""
    values = np.random.default_rng(1).integers(0, 2**16, SIZE)
    return encode(Image.fromarray(values.astype(f"{byte_order}u2")), kind)


def several(kind, **options):
    """Two frames or pages, the first of noise."""
    return encode(
        noise(), kind, save_all=True, append_images=[noise().rotate(180)], **options
    )


def heic(image, **options):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=-1, **options)
    return file.getvalue()


def part_of_canvas():
    """A GIF whose first frame leaves a part of the canvas free, which is clear."""
    contents = bytearray(encode(noise().quantize(16), "GIF", transparency=3))
    contents[6:10] = struct.pack("<HH", SIZE[1] + 4, SIZE[0] + 2)
    return bytes(contents)


BY_PILLOW = {
    "tiff": lambda: encode(noise(), "TIFF"),
    "tiff lzw": lambda: encode(noise(), "TIFF", compression="tiff_lzw"),
    "tiff jpeg": lambda: encode(noise("YCbCr"), "TIFF", compression="jpeg"),
    "tiff 1 bit": lambda: encode(noise("1"), "TIFF", compression="group4"),
    "tiff grey": lambda: encode(noise("L"), "TIFF"),
    "tiff palette": lambda: encode(noise().quantize(99), "TIFF"),
    "tiff CMYK": lambda: encode(noise("CMYK"), "TIFF"),
    "tiff LAB": lambda: encode(noise("LAB"), "TIFF"),
    "tiff RGBA": lambda: encode(noise("RGBA"), "TIFF"),
    "tiff, two pages": lambda: several("TIFF"),
    "avif": lambda: encode(noise(), "AVIF"),
    "avif RGBA": lambda: encode(noise("RGBA"), "AVIF"),
    "avif animated": lambda: several("AVIF"),
    "webp animated": lambda: several("WEBP", lossless=True),
    "heic": lambda: heic(noise()),
    "heic RGBA": lambda: heic(noise("RGBA")),
    "gif, part of the canvas": part_of_canvas,
    "gif, clear color": lambda: encode(noise().quantize(16), "GIF", transparency=3),
}


@pytest.mark.parametrize("name", BY_PILLOW)
def test_a_file_that_pillow_decodes(name):
    contents = BY_PILLOW[name]()
    images, kept, skipped = read([contents], SIZE, 3)
    assert (kept.tolist(), skipped) == ([0], [])
    decoded = decode(contents).numpy()
    if "LAB" in name:  # which converts to RGB alone
        expected = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))
    else:
        expected = on_white(contents)
    np.testing.assert_array_equal(decoded, expected)
    np.testing.assert_array_equal(images[0], fit(decoded, SIZE, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [*FILES, *BY_PILLOW])
def test_an_opened_image_is_its_file(name, channels):
    contents = FILES[name] if name in FILES else BY_PILLOW[name]()
    layer = ImagePreprocessing((9, 7), channels)
    with Image.open(io.BytesIO(contents)) as image:
        np.testing.assert_array_equal(
            layer.from_list([image]), layer.from_bytes([contents])
        )


@pytest.mark.parametrize(
    ("kind", "byte_order"), [("PNG", "<"), ("TIFF", "<"), ("TIFF", ">")]
)
def test_16_bits_of_gray(kind, byte_order):
    contents = deep(kind, byte_order)
    image = Image.open(io.BytesIO(contents))
    assert image.mode.startswith("I;16")
    array = from_pillow(image)
    assert array.dtype == np.dtype("uint16")
    expected = np.round(array.astype("float64") / 257).astype("uint8")
    np.testing.assert_array_equal(decode(contents)[..., :1], expected)
    layer = ImagePreprocessing((9, 7), 1)
    np.testing.assert_array_equal(
        layer.from_list([image]), layer.from_bytes([contents])
    )


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bits_of_color_are_the_upper_8_as_in_pillow(channels):
    values = np.random.default_rng(2).integers(0, 2**16, (*SIZE, channels))
    values[..., -1] |= 0xFF00  # opaque where there is an alpha channel
    contents = tf.io.encode_png(tf.constant(values, tf.uint16)).numpy()
    np.testing.assert_array_equal(decode(contents), on_white(contents))
    layer = ImagePreprocessing((9, 7), 3)
    np.testing.assert_array_equal(
        layer.from_list([Image.open(io.BytesIO(contents))]),
        layer.from_bytes([contents]),
    )


RGB = noise()
CLEAR = Image.merge("RGBA", [*noise().split(), noise("L")])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (RGB.convert("1"), RGB.convert("1").convert("L")),
        (RGB.convert("L"), RGB.convert("L")),
        (CLEAR.convert("LA"), CLEAR.convert("LA")),
        (CLEAR.convert("LA").convert("La"), CLEAR.convert("LA").convert("La")),
        (RGB.quantize(50), RGB.quantize(50).convert("RGB")),
        (RGB.quantize(50).convert("PA"), RGB.quantize(50).convert("RGBA")),
        (CLEAR.quantize(50), CLEAR.quantize(50).convert("RGBA")),
        (RGB, RGB),
        (CLEAR, CLEAR),
        (CLEAR.convert("RGBa"), CLEAR.convert("RGBa").convert("RGBA")),
        (RGB.convert("RGBX"), RGB),
        (RGB.convert("CMYK"), RGB.convert("CMYK").convert("RGB")),
        (RGB.convert("YCbCr"), RGB.convert("YCbCr").convert("RGB")),
        (RGB.convert("HSV"), RGB.convert("HSV").convert("RGB")),
        (RGB.convert("LAB"), RGB.convert("LAB").convert("RGB")),
    ],
    ids=lambda image: image.mode,
)
def test_every_mode_of_8_bits(image, expected):
    if expected.mode == "La":
        expected = expected.convert("LA")
    values = from_pillow(image)
    assert values.dtype == "uint8"
    expected = np.asarray(expected).reshape(*SIZE, -1)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("transparency", [3, bytes([255, 128, 0] + [255] * 13)])
def test_transparency_of_a_palette(transparency):
    contents = encode(noise().quantize(16), "PNG", transparency=transparency)
    opened = Image.open(io.BytesIO(contents))
    assert opened.mode == "P"
    values = from_pillow(opened)
    np.testing.assert_array_equal(values, np.asarray(opened.convert("RGBA")))
    assert values[..., 3].min() == 0


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_16_bits_in_any_byte_order(mode):
    values = np.array([[0, 255, 256, 65535]], "uint16")
    order = {"I;16": "<", "I;16L": "<", "I;16B": ">", "I;16N": "="}[mode]
    data = values.astype(f"{order}u2").tobytes()
    image = Image.frombytes(mode, (4, 1), data)
    assert from_pillow(image).tolist() == values[..., None].tolist()


def test_modes_of_32_bits_go_by_the_range_of_arrays():
    floats = Image.fromarray(np.full((3, 4), 0.25, "float32"))
    integers = Image.fromarray(np.full((3, 4), 1024, "int32"))
    assert (floats.mode, integers.mode) == ("F", "I")
    layer = ImagePreprocessing((2, 2), 1)
    quarter = np.full((1, 2, 2, 1), 0.25)
    np.testing.assert_allclose(layer.from_list([floats]), quarter, rtol=1e-6)
    with pytest.raises(ValueError, match=r"index 0: .*int32.*value_range="):
        layer.from_list([integers])
    layer = ImagePreprocessing((2, 2), 1, value_range=(0, 4096))
    np.testing.assert_allclose(layer.from_list([integers]), quarter, rtol=1e-6)
    for image in (floats, integers):
        _, _, ((_, reason),) = read([encode(image, "TIFF")], (2, 2), 1)
        assert "a TIFF of 32-bit values" in reason
        assert "`value_range`" in reason


def test_a_range_of_arrays_does_not_change_images_of_8_bits():
    image = Image.new("RGB", (4, 4), (51, 51, 51))
    for value_range in (None, (0, 255), (-1, 1)):
        layer = ImagePreprocessing((2, 2), 3, value_range=value_range)
        np.testing.assert_allclose(layer.from_list([image]), 0.2, rtol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_orientation_is_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    contents = encode(noise(), kind, exif=exif, **lossless)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))))
    np.testing.assert_array_equal(decode(contents), expected)
    opened = Image.open(io.BytesIO(contents))
    np.testing.assert_array_equal(from_pillow(opened), expected)


def test_an_upright_image_is_not_rotated_again():
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = encode(noise(), "JPEG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(contents)))
    np.testing.assert_array_equal(from_pillow(upright), decode(contents))


def test_an_iphone_photograph_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = heic(noise(), exif=exif.tobytes())
    expected = np.asarray(Image.open(io.BytesIO(contents)))
    np.testing.assert_array_equal(decode(contents), expected)


def test_an_image_that_cannot_be_decoded_is_named():
    cut = Image.open(io.BytesIO(FILES["jpeg"][:-100]))
    layer = ImagePreprocessing((2, 2), 3)
    with pytest.raises(ValueError, match=r"index 1: Pillow cannot decode it: .*trunc"):
        layer.from_list([noise(), cut])


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded():
    contents = bytearray(encode(Image.new("1", (64, 8)), "TIFF"))
    at = contents.index(struct.pack("<HHII", 256, 4, 1, 64))  # its width
    contents[at + 8 : at + 12] = struct.pack("<I", 30_000_000)
    _, _, ((_, reason),) = read([bytes(contents)], (2, 2), 1)
    assert reason.startswith("a TIFF of ")
    assert reason.endswith("megapixels; at most 179 are read: make it smaller")


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "BMP"])
def test_a_file_that_is_cut_short(kind):
    contents = encode(noise(), kind)
    _, _, ((name, reason),) = read([contents[:200]], (2, 2), 1)
    assert name == "item of index 0"
    assert reason.endswith(f" {kind} that is corrupt, cut short or of a rare kind")


def test_without_its_package_a_heic_is_skipped_with_what_to_install(
    tmp_path, monkeypatch
):
    (tmp_path / "a.heic").write_bytes(heic(noise()))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    _, kept, skipped = read([tmp_path / "a.heic"], (2, 2), 3)
    assert kept.tolist() == []
    assert 'pip install "fsl-keras[heif]"' in skipped[0][1]


def test_a_compressed_bmp_is_read():
    # Two rows of run lengths: four pixels of color 1, and four of color 2.
    colors = bytes([0, 0, 0, 0, 30, 20, 10, 0, 60, 50, 40, 0])
    rows = bytes([4, 1, 0, 0, 4, 2, 0, 1])
    at = 54 + len(colors)
    file = b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at)
    file += struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(rows), 0, 0, 3, 3)
    decoded = decode(file + colors + rows).numpy()
    assert decoded.tolist() == [[[40, 50, 60]] * 4, [[10, 20, 30]] * 4]


def test_animations_are_found_in_every_kind_and_by_bytes():
    given = {name: make() for name, make in BY_PILLOW.items()}
    found = animated(list(given.values()))
    names = ("tiff, two pages", "avif animated", "webp animated")
    expected = [f"item of index {list(given).index(name)}" for name in names]
    assert found == expected
