import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.images import decode, fit, read, to_unit_range
from fsl_keras.layers.preprocessing import ImagePreprocessing

SIZE = (9, 7)


def noise(count=3, channels=3):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 24, 18, channels), dtype="uint8")


def as_file(picture, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(("channels", "invert"), [(1, True), (3, False)])
def test_files_bytes_and_arrays_give_the_same_numbers(tmp_path, kind, channels, invert):
    layer = ImagePreprocessing(SIZE, channels, invert=invert)
    files = [as_file(picture, kind) for picture in noise()]
    paths = [tmp_path / str(index) for index in range(3)]
    for path, contents in zip(paths, files, strict=True):
        path.write_bytes(contents)
    batch = np.stack([decode(contents) for contents in files])
    expected = layer(batch)
    assert expected.shape == (3, *SIZE, channels)
    assert expected.dtype == tf.float32
    np.testing.assert_array_equal(layer.from_files(paths), expected)
    np.testing.assert_array_equal(layer.from_list(list(batch)), expected)
    np.testing.assert_array_equal(layer.from_bytes(files), expected)
    np.testing.assert_array_equal(tf.function(layer.from_bytes)(files), expected)
    np.testing.assert_array_equal(tf.function(layer)(batch), expected)


def test_the_stored_training_picture_is_the_predicted_one(tmp_path):
    (tmp_path / "a.png").write_bytes(as_file(noise()[0]))
    stored, _, _ = read([tmp_path / "a.png"], SIZE, 3)
    predicted = ImagePreprocessing(SIZE, 3)(noise()[:1])
    np.testing.assert_array_equal(to_unit_range(stored), predicted)


def test_a_16_bit_file_and_its_array_agree():
    picture = np.random.default_rng(0).integers(0, 65536, (24, 18)).astype("uint16")
    layer = ImagePreprocessing(SIZE, 1)
    expected = layer.from_bytes([as_file(picture)])
    np.testing.assert_array_equal(layer(picture[None, ..., None]), expected)


class Exported(tf.Module):
    def __init__(self):
        super().__init__()
        self.layer = ImagePreprocessing(SIZE, 1, invert=True)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def from_bytes(self, contents):
        return self.layer.from_bytes(contents)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def from_arrays(self, images):
        return self.layer(images)


def test_an_exported_graph_gives_the_same_numbers(tmp_path):
    module = Exported()
    signatures = {"bytes": module.from_bytes, "arrays": module.from_arrays}
    tf.saved_model.save(module, str(tmp_path), signatures)
    served = tf.saved_model.load(str(tmp_path)).signatures
    expected = module.layer(noise())
    (arrays,) = served["arrays"](images=tf.constant(noise())).values()
    np.testing.assert_array_equal(arrays, expected)
    files = tf.constant([as_file(picture) for picture in noise()])
    (decoded,) = served["bytes"](contents=files).values()
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.shape == (3, *SIZE, 1)


def test_a_functional_model_takes_uint8_of_any_size_and_reloads(tmp_path):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    outputs = ImagePreprocessing(SIZE, 1, invert=True, value_range=(0, 255))(inputs)
    assert outputs.shape == (None, *SIZE, 1)
    assert outputs.dtype == "float32"
    model = keras.Model(inputs, outputs)
    expected = ImagePreprocessing(SIZE, 1, invert=True)(noise())
    np.testing.assert_array_equal(model.predict(noise(), verbose=0), expected)
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert reloaded.layers[-1].value_range == (0, 255)
    np.testing.assert_array_equal(reloaded.predict(noise(), verbose=0), expected)


@pytest.fixture
def mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_precision")
def test_mixed_precision_changes_nothing():
    layer = ImagePreprocessing(SIZE, 3)
    assert layer(keras.Input((None, None, 3), dtype="uint8")).dtype == "float32"
    fitted = fit(noise(), SIZE, 3)
    np.testing.assert_array_equal(layer(noise()), to_unit_range(fitted))
    floats = np.linspace(0, 1, 7 * 9 * 3).reshape(1, *SIZE, 3)  # finer than float16
    np.testing.assert_allclose(layer(floats), floats, rtol=1e-6)


def test_a_list_may_mix_sizes_channels_and_types():
    layer = ImagePreprocessing((2, 2), 3)
    batch = layer.from_list(
        [
            np.full((5, 4), 51, "uint8"),
            np.full((3, 3, 3), 0.2, "float32"),
            np.full((8, 2, 1), 13107, "uint16"),
            Image.new("RGB", (6, 6), (51, 51, 51)),
            np.ones((3, 4), "bool"),
        ]
    )
    expected = np.broadcast_to([[[[0.2]]]] * 4 + [[[[1.0]]]], (5, 2, 2, 3))
    np.testing.assert_allclose(batch, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "value_range"),
    [
        (np.full((1, 2, 2, 1), 819, "uint16"), (0, 4095)),
        (np.full((1, 2, 2, 1), 51), (0, 255)),
        (np.full((1, 2, 2, 1), 51.0), (0, 255)),
        (np.full((1, 2, 2, 1), -0.6), (-1, 1)),
    ],
)
def test_value_range_says_which_numbers_are_black_and_white(values, value_range):
    layer = ImagePreprocessing((2, 2), 1, invert=True, value_range=value_range)
    np.testing.assert_allclose(layer(values), np.full((1, 2, 2, 1), 0.8), rtol=1e-6)


def test_floats_above_one_name_the_mend():
    layer = ImagePreprocessing((2, 2), 1)
    with pytest.raises(ValueError, match=r"Received: 0 to 200.*value_range=\(0, 255\)"):
        layer(np.array([0.0, 200, 0, 0]).reshape(1, 2, 2, 1))
    pair = [np.zeros((2, 2)), np.full((3, 3), np.nan)]
    with pytest.raises(ValueError, match="image of index 1: 9 values are NaN"):
        layer.from_list(pair)


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "good.png").write_bytes(as_file(noise()[0]))
    (tmp_path / "bad.png").write_bytes(as_file(noise()[0])[:-50])
    layer = ImagePreprocessing(SIZE, 3)
    with pytest.raises(ValueError, match=r"1 of 2 files .*bad\.png: a PNG that is cor"):
        layer.from_files([tmp_path / "good.png", tmp_path / "bad.png"])


def test_channels_are_one_or_three():
    with pytest.raises(ValueError, match="channels=4"):
        ImagePreprocessing(SIZE, 4)


@pytest.mark.parametrize(
    "image", [np.zeros((0, 5, 3), "uint8"), Image.new("RGB", (3, 0))], ids=type
)
def test_an_image_without_pixels_is_named(image):
    with pytest.raises(ValueError, match=r"index 1: An image of shape .* no pixels"):
        ImagePreprocessing(SIZE, 3).from_list([noise()[0], image])
