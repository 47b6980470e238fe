import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fsl_keras.images import animated, decode, fit, is_image_name, read, to_unit_range


def noise(mode="RGB", size=(31, 22)):
    values = np.random.default_rng(0).integers(0, 256, (*size[::-1], 4), dtype="uint8")
    values[:5, :, 3], values[5:9, :, 3] = 0, 255
    image = Image.fromarray(values)
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def on_white(contents):
    """What Pillow makes of a file, on white."""
    image = Image.open(io.BytesIO(contents)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))


FILES = {
    "jpeg": encode(noise(), "JPEG"),
    "jpeg progressive": encode(noise(), "JPEG", progressive=True, quality=95),
    "jpeg 4:4:4": encode(noise(), "JPEG", subsampling=0),
    "jpeg grey": encode(noise("L"), "JPEG"),
    "jpeg CMYK": encode(noise("CMYK"), "JPEG"),
    "png": encode(noise(), "PNG"),
    "png grey": encode(noise("L"), "PNG"),
    "png grey, alpha": encode(noise("RGBA").convert("LA"), "PNG"),
    "png RGBA": encode(noise("RGBA"), "PNG"),
    "png 1 bit": encode(noise("1"), "PNG"),
    "png palette 4 bits": encode(noise().quantize(16), "PNG"),
    "png palette 8 bits": encode(noise().quantize(200), "PNG"),
    "png palette, transparent": encode(noise().quantize(16), "PNG", transparency=3),
    "png RGB, clear color": encode(noise(), "PNG", transparency=(9, 9, 9)),
    "gif": encode(noise().quantize(64), "GIF"),
    "gif animated": encode(
        noise().quantize(64), "GIF", save_all=True, append_images=[noise("L")]
    ),
    "bmp": encode(noise(), "BMP"),
    "bmp grey": encode(noise("L"), "BMP"),
    "bmp palette": encode(noise().quantize(16), "BMP"),
    "bmp 32 bits": encode(noise("RGBA"), "BMP"),
    "webp": encode(noise(), "WEBP"),
    "webp lossless": encode(noise(), "WEBP", lossless=True),
    "webp RGBA": encode(noise("RGBA"), "WEBP", lossless=True, exact=True),
}


@pytest.mark.parametrize("name", FILES)
def test_decoding_equals_pillow_on_white(name):
    expected = on_white(FILES[name])
    np.testing.assert_array_equal(decode(FILES[name]), expected)


def test_16_bits_are_rounded_to_8():
    values = np.array([[0, 128, 129, 256, 65406, 65407, 65535]], "uint16")
    contents = encode(Image.fromarray(values), "PNG")
    expected = [0, 0, 1, 1, 254, 255, 255]  # round(v / 257)
    assert decode(contents)[0, :, 0].numpy().tolist() == expected
    fitted = fit(values[..., None], (1, 7), 1)
    assert fitted[0, :, 0].numpy().tolist() == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_exif_orientation_is_applied(orientation, order):
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x0112] = "a maker", orientation
    contents = encode(noise(), "JPEG", exif=exif.tobytes())
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(contents)))
    np.testing.assert_array_equal(decode(contents), np.asarray(upright))


def test_bytes_that_look_like_an_orientation_are_not_one():
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    contents = encode(noise(), "JPEG", comment=b"Exif\x00\x00MM\x00*" + entry)
    np.testing.assert_array_equal(decode(contents), on_white(contents))


@pytest.mark.parametrize("orientation", [0, 9, 700])
def test_an_orientation_that_does_not_exist_is_ignored(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    contents = encode(noise(), "JPEG", exif=exif.tobytes())
    np.testing.assert_array_equal(decode(contents), on_white(contents))


def test_a_broken_exif_segment_does_no_harm():
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encode(noise(), "JPEG", exif=exif.tobytes())
    at = whole.index(b"Exif") + 10  # where the TIFF header keeps its offset
    contents = whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :]
    np.testing.assert_array_equal(decode(contents), on_white(FILES["jpeg"]))


@pytest.mark.parametrize("name", [*FILES, "gif, clear color"])
def test_a_graph_decodes_to_the_same_pixels(name):
    clear = encode(noise().quantize(16), "GIF", transparency=3)
    contents = FILES.get(name, clear)
    decoded = IN_GRAPH(tf.constant(contents))
    np.testing.assert_array_equal(decoded, decode(contents))


IN_GRAPH = tf.function(decode)


def test_a_graph_refuses_what_tensorflow_does_not_decode():
    animation = encode(noise(), "WEBP", save_all=True, append_images=[noise("L")])
    for contents in (animation, encode(noise(), "TIFF"), b"text"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="still WebP"):
            IN_GRAPH(tf.constant(contents))


def test_animations_differ_from_still_images(tmp_path):
    frames = [noise().quantize(64), noise("L")]
    commented = {"comment": b"a, comment; with blocks!" * 40, "transparency": 3}
    moving = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    for name, contents in FILES.items():
        (tmp_path / f"{name}.x").write_bytes(contents)
    (tmp_path / "gif with more.x").write_bytes(encode(frames[0], "GIF", **commented))
    (tmp_path / "gif cut.x").write_bytes(FILES["gif"][:-100])
    (tmp_path / "gif, two of them.x").write_bytes(moving)
    (tmp_path / "gif, end cut.x").write_bytes(moving[:-40])
    (tmp_path / "nothing.x").write_bytes(b"")
    webp = encode(frames[1], "WEBP", save_all=True, append_images=[noise()])
    (tmp_path / "webp, two of them.x").write_bytes(webp)
    found = animated([*sorted(tmp_path.iterdir()), tmp_path / "gone.gif"])
    names = ["gif animated", "gif, end cut", "gif, two of them", "webp, two of them"]
    assert found == [str(tmp_path / f"{name}.x") for name in names]


def test_fit_leaves_an_image_that_fits_unchanged():
    batch = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 6, 3), dtype="uint8")
    np.testing.assert_array_equal(fit(batch, (5, 6), 3), batch)
    floats = batch.astype("float32") / 255
    np.testing.assert_array_equal(fit(floats, (5, 6), 3), floats)
    unknown = tf.function(
        lambda image: fit(image, (5, 6), 3),
        input_signature=[tf.TensorSpec([None] * 5, tf.float32)],
    )
    np.testing.assert_array_equal(unknown(floats), floats)


def test_resizing_averages_with_antialiasing():
    # Halving weighs each pixel by a triangle two pixels wide on either side:
    # 1/8, 3/8, 3/8, 1/8, and 3/7, 3/7, 1/7 at the border.
    row = np.array([0, 70, 140, 210], "uint8").reshape(1, 4, 1)
    halved = fit(row, (1, 2), 1)
    assert halved[0, :, 0].numpy().tolist() == [50, 160]
    halved = fit(row / 255, (1, 2), 1)
    np.testing.assert_allclose(halved[0, :, 0] * 255, [50, 160], rtol=1e-6)


def test_resizing_differs_from_pillow_by_one_level_at_most():
    fitted = fit(np.asarray(noise()), (9, 40), 3)
    expected = noise().resize((40, 9), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(fitted, np.asarray(expected), rtol=0, atol=1)


def test_gray_is_pillows_luma():
    primaries = 255 * np.eye(3, dtype="uint8")[None]
    assert fit(primaries, (1, 3), 1).numpy().ravel().tolist() == [76, 150, 29]
    grey = fit(primaries / 255, (1, 3), 1)
    np.testing.assert_allclose(grey.numpy().ravel(), [0.299, 0.587, 0.114], atol=1e-5)
    np.testing.assert_array_equal(
        fit(np.asarray(noise()), (22, 31), 1)[..., 0],
        np.asarray(noise().convert("L")),
    )


def test_gray_is_repeated_to_rgb():
    grey = np.array([[[3], [200]]], "uint8")
    repeated = [[[3, 3, 3], [200, 200, 200]]]
    assert fit(grey, (1, 2), 3).numpy().tolist() == repeated


def test_transparency_is_composited_on_white():
    pixels = np.array([[[0, 100, 255, 0], [0, 100, 255, 255], [0, 100, 255, 51]]])
    expected = [[[255, 255, 255], [0, 100, 255], [204, 224, 255]]]  # a fifth at 51
    fitted = fit(pixels.astype("uint8"), (1, 3), 3)
    assert fitted.numpy().tolist() == expected
    fitted = fit(pixels / 255, (1, 3), 3)
    np.testing.assert_allclose(fitted * 255, expected, rtol=1e-6)


def test_inversion_makes_ink_high():
    ink_on_paper = np.array([[[0], [250], [255]]], "uint8")
    inverted = fit(ink_on_paper, (1, 3), 1, invert=True)
    assert inverted.numpy().ravel().tolist() == [255, 5, 0]
    assert inverted.dtype == tf.uint8
    inverted = fit(np.array([[[0.0], [0.75]]]), (1, 2), 1, invert=True)
    assert inverted.numpy().ravel().tolist() == [1.0, 0.25]


def test_fit_explains_a_missing_channel_axis():
    with pytest.raises(ValueError, match=r"28 channels.*images\[\.\.\., None\]"):
        fit(np.zeros((5, 28, 28), "uint8"), (28, 28), 1)
    with pytest.raises(ValueError, match="`channels` must be 1"):
        fit(np.zeros((28, 28, 1), "uint8"), (28, 28), 4)


@pytest.mark.parametrize(
    ("values", "value_range", "expected"),
    [
        (np.array([0, 51, 255], "uint8"), None, [0, 0.2, 1]),
        (np.array([0, 13107, 65535], "uint16"), None, [0, 0.2, 1]),
        (np.array([False, True]), None, [0, 1]),
        (np.array([0.0, 0.25, 1.0]), None, [0, 0.25, 1]),
        (np.array([0, 51, 255], "int64"), (0, 255), [0, 0.2, 1]),
        (np.array([0, 51, 255], "float16"), (0, 255), [0, 0.2, 1]),
        (np.array([0, 1], "uint8"), (0, 1), [0, 1]),
        (np.array([-1.0, 0.0, 1.0]), (-1, 1), [0, 0.5, 1]),
    ],
)
def test_unit_range_of_each_type(values, value_range, expected):
    scaled = to_unit_range(values, value_range)
    assert scaled.dtype == tf.float32
    np.testing.assert_allclose(scaled, expected, rtol=1e-7)


def test_unit_range_is_the_same_number_in_a_graph():
    values = tf.range(65536)
    for dtype, high in (tf.uint8, 255), (tf.uint16, 65535):
        images = tf.cast(values[: high + 1], dtype)
        eager = to_unit_range(images).numpy()
        np.testing.assert_allclose(eager, np.arange(high + 1) / high, rtol=1e-7)
        assert eager[-1] == 1.0
        in_graph = tf.function(to_unit_range)
        np.testing.assert_array_equal(in_graph(images), eager)


def test_a_graph_refuses_values_beyond_the_range():
    in_graph = tf.function(to_unit_range)
    for value in (255.0, -1.0, np.nan):
        with pytest.raises(tf.errors.InvalidArgumentError, match="value_range"):
            in_graph(tf.constant([0.0, value]))


@pytest.mark.parametrize(
    ("values", "value_range", "message"),
    [
        ([0.0, 254.0], None, r"0 to 254.*value_range=\(0, 255\)"),
        ([-0.5, 1.0], None, r"from 0 to 1\. Received: -0\.5 to 1"),
        ([0.0, 256.0], (0, 255), r"from 0 to 255\. Received: 0 to 256"),
        (np.array([3, 4]), None, r"int64.*value_range=\(0, 255\)"),
    ],
)
def test_values_that_do_not_fit_are_named(values, value_range, message):
    with pytest.raises(ValueError, match=message):
        to_unit_range(values, value_range)


def test_values_that_are_not_finite_are_counted_and_located():
    batch = np.zeros((4, 2, 2, 1))
    batch[1, 0, 0], batch[3] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"5 values are NaN .* index 1, 3\."):
        to_unit_range(batch)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Größe 木 птица.jpg").write_bytes(FILES["jpeg"])
    (tmp_path / "two words.PNG").write_bytes(FILES["png RGBA"])
    return tmp_path


def test_read_gives_the_decoded_and_fitted_images(folder):
    paths = sorted(folder.iterdir())
    images, kept, skipped = read(map(str, paths), (8, 9), 1, invert=True)
    assert kept.tolist() == [0, 1]
    assert skipped == []
    for image, path in zip(images, paths, strict=True):
        decoded = decode(path.read_bytes())
        expected = fit(decoded, (8, 9), 1, invert=True)
        np.testing.assert_array_equal(image, expected)


def test_read_skips_and_names_what_is_not_an_image(folder):
    (folder / "a cut.jpg").write_bytes(FILES["jpeg"][:-100])
    (folder / "b cut.png").write_bytes(FILES["png"][:-100])
    (folder / "c empty.gif").write_bytes(b"")
    (folder / "d text.jpg").write_text("no picture")
    paths = sorted(folder.iterdir())
    images, kept, skipped = read(paths, (4, 4), 3, threads=3)
    assert images.shape == (2, 4, 4, 3)
    assert images.dtype == "uint8"
    assert [paths[index].suffix for index in kept] == [".jpg", ".PNG"]
    cut = "corrupt, cut short or of a rare kind"
    assert skipped == [
        (str(folder / "a cut.jpg"), f"a JPEG that is {cut}"),
        (str(folder / "b cut.png"), f"a PNG that is {cut}"),
        (str(folder / "c empty.gif"), "the file is empty"),
        (
            str(folder / "d text.jpg"),
            "not a JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC image",
        ),
    ]


def test_read_wants_a_list(folder):
    with pytest.raises(ValueError, match="list of paths"):
        read(str(folder), (4, 4), 3)


def test_reading_nothing_gives_an_empty_batch():
    images, kept, skipped = read([], (4, 5), 1)
    assert images.shape == (0, 4, 5, 1)
    assert (kept.tolist(), skipped) == ([], [])


def test_image_names():
    named = ["a.jpg", "b.JPEG", "c.Png", "d.gif", "e.bmp", "f.webp", "g/h.i.png"]
    assert all(is_image_name(name) for name in named)
    assert not any(map(is_image_name, ["a.txt", "png", ".png", "a.jpg.md"]))
