import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fsl_keras import images
from fsl_keras.layers import ImagePreprocessing
from tests.checks import assert_config_round_trip
from tests.images.test_images import encode, noise


def row(*values):
    return np.array([values], "uint8")[..., None]


def fitted(image, size, resize, invert=False):
    return images.fit(image, size, 1, invert, resize)[..., 0].numpy().tolist()


def test_cropping_keeps_the_center():
    assert fitted(row(10, 20, 30), (1, 1), "crop") == [[20]]
    assert fitted(row(10, 20, 30, 40), (1, 2), "crop") == [[20, 30]]
    assert fitted(row(10, 20, 30, 40), (1, 1), "crop") == [[20]]
    column = row(10, 20, 30, 40, 50).transpose(1, 0, 2)
    assert fitted(column, (3, 1), "crop") == [[20], [30], [40]]
    # The middle square of 2 x 2 pixels, and its mean.
    pair = np.concatenate([row(0, 10, 20, 0), row(0, 30, 40, 0)])
    assert fitted(pair, (1, 1), "crop") == [[25]]


def test_padding_is_white_on_both_sides():
    assert fitted(row(7), (1, 3), "pad") == [[255, 7, 255]]
    assert fitted(row(7), (4, 1), "pad") == [[255], [7], [255], [255]]
    assert fitted(row(7), (1, 3), "pad", invert=True) == [[0, 248, 0]]
    assert fitted(row(255) / 255, (1, 3), "pad", invert=True) == [[0.0, 0.0, 0.0]]
    # Halved to fit, as by stretching: the image alone is resized, not its padding.
    assert fitted(row(0, 70, 140, 210), (3, 2), "pad") == [
        [255, 255],
        [50, 160],
        [255, 255],
    ]


@pytest.mark.parametrize("size", [(8, 10), (10, 8), (3, 30), (50, 60)])
def test_cropping_is_that_of_keras(size):
    image = np.asarray(noise())
    expected = keras.ops.image.resize(
        image.astype("float32"), size, antialias=True, crop_to_aspect_ratio=True
    )
    cropped = images.fit(image, size, 3, resize="crop")
    np.testing.assert_array_equal(cropped, np.floor(np.asarray(expected) + 0.5))


@pytest.mark.parametrize("size", [(22, 12), (44, 32), (12, 62), (8, 62)])
def test_padding_is_that_of_pillow(size):
    image = Image.fromarray(np.asarray(noise().resize((22, 22))))
    expected = ImageOps.pad(image, size[::-1], Image.Resampling.BILINEAR, "white")
    padded = images.fit(np.asarray(image), size, 3, resize="pad")
    np.testing.assert_allclose(padded, np.asarray(expected), rtol=0, atol=1)


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_an_image_of_the_same_aspect_ratio_is_resized_alone(resize):
    image = np.asarray(noise().resize((20, 40)))
    np.testing.assert_array_equal(
        images.fit(image, (10, 5), 3, resize=resize), images.fit(image, (10, 5), 3)
    )


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_a_line_becomes_an_image_of_any_size(resize):
    line = np.full((1, 30_000, 1), 100, "uint8")
    for image in (line, line.transpose(1, 0, 2)):
        assert np.min(images.fit(image, (64, 64), 1, resize=resize)) == 100


@pytest.mark.parametrize(
    "size", [(8, 10), pytest.param((10, 8), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("resize", images.RESIZES)
def test_every_way_gives_the_same_numbers(tmp_path, resize, size):
    layer = ImagePreprocessing(size, 3, invert=True, resize=resize)
    contents = encode(noise(), "PNG")
    (tmp_path / "a.png").write_bytes(contents)
    batch = np.asarray(noise())[None]
    expected = layer(batch)
    in_graph = tf.function(
        layer, input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)]
    )
    for found in (
        in_graph(batch),
        tf.function(layer)(batch),
        layer.from_files([tmp_path / "a.png"]),
        layer.from_bytes([contents]),
        tf.function(layer.from_bytes)(tf.constant([contents])),
        layer.from_list([batch[0]]),
        layer.from_list([noise()]),
    ):
        np.testing.assert_array_equal(found, expected)
    floats = layer(batch / 255)
    np.testing.assert_allclose(floats, expected, rtol=0, atol=0.5 / 255 + 1e-6)


def test_the_layer_keeps_its_resize():
    layer = ImagePreprocessing((2, 3), 3, resize="pad")
    assert_config_round_trip(layer)
    config = layer.get_config()
    assert config.pop("resize") == "pad"
    # Configurations of earlier versions do not have it.
    assert ImagePreprocessing.from_config(config).resize == "stretch"


def test_another_resize_is_refused():
    for make in (
        lambda: ImagePreprocessing((2, 3), 3, resize="squash"),
        lambda: images.fit(row(7), (2, 3), 3, resize="squash"),
        lambda: images.read([], (2, 3), 3, resize="squash"),
    ):
        with pytest.raises(ValueError, match=r"'stretch', 'crop', 'pad'.*'squash'"):
            make()
