"""A SavedModel that a process with nothing but TensorFlow loads and runs."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras import images as picture_files
from fsl_keras.layers import ImagePreprocessing
from tests.checks import run_python
from tests.shapes import NAMES, make_learner, picture, pictures, write

SIZE = (33, 21)


@pytest.fixture(scope="module")
def classifier():
    """Learned three classes, and later a fourth."""
    classifier = make_learner().adapt(*pictures(NAMES[:3]), unknown_threshold=0.6)
    classifier.predict(pictures(NAMES[:3])[0], verbose=0)
    classifier.add_class(NAMES[3], pictures(NAMES[3:])[0])
    return classifier


@pytest.fixture(scope="module")
def folder(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "shapes"
    classifier.export(folder)
    return folder


@pytest.fixture(scope="module")
def exported(folder):
    return tf.saved_model.load(folder)


@pytest.fixture
def images():
    return np.stack([picture(name, SIZE, seed=100) for name in NAMES])


def grey(images):
    """The one channel that the learner takes, as uint8."""
    return picture_files.fit(images, images.shape[1:3], 1).numpy()


def test_the_outputs_are_those_of_the_classifier(classifier, exported, images):
    answer = exported.serve(grey(images))
    expected = classifier.predict(images, verbose=0)
    assert set(answer) == {"probabilities", "class_index", "known", "class_name"}
    assert answer["probabilities"].shape == (4, 4)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(answer["class_index"], expected.argmax(-1))
    names = [p.class_name for p in classifier.predict_classes(images)]
    assert [name.decode() for name in answer["class_name"].numpy()] == names


def test_any_size_and_any_number_of_images(classifier, exported):
    for size, count in [((16, 16), 1), ((50, 70), 3)]:
        images = np.stack([picture(name, size, seed=7) for name in NAMES[:count]])
        np.testing.assert_allclose(
            exported.serve(grey(images))["probabilities"],
            classifier.predict(images, verbose=0),
            atol=1e-5,
        )


def test_floats(classifier, exported, images):
    floats = grey(images).astype("float32") / 255
    np.testing.assert_allclose(
        exported.serve_float(floats)["probabilities"],
        classifier.predict(floats, verbose=0),
        atol=1e-5,
    )


@pytest.mark.slow
def test_the_range_of_arrays_given_in_python_is_not_that_of_the_endpoints(tmp_path):
    images, labels = pictures(NAMES[:3])
    learned = make_learner().adapt(
        images.astype("float32"), labels, value_range=(0, 255)
    )
    expected = learned.predict(images.astype("float32"), verbose=0)
    learned.export(tmp_path / "shapes")
    exported = tf.saved_model.load(tmp_path / "shapes")
    images = grey(images)
    for answer in (
        exported.serve(images),
        exported.serve_float(images.astype("float32") / 255),
    ):
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-2)


@pytest.mark.slow
def test_every_endpoint_resizes_as_the_classifier(tmp_path, images):
    learned = make_learner().adapt(*pictures(NAMES[:3]))
    learned.preprocessing = ImagePreprocessing((16, 16), 1, resize="pad")
    learned.export(tmp_path / "shapes")
    exported = tf.saved_model.load(tmp_path / "shapes")
    files = [path.read_bytes() for path in write(tmp_path, images, NAMES)]
    floats = grey(images).astype("float32") / 255
    for answer, given in (
        (exported.serve(grey(images)), images),
        (exported.serve_float(floats), floats),
        (exported.serve_bytes(tf.constant(files)), images),
    ):
        expected = learned.predict(given, verbose=0)
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_bytes_that_a_graph_does_not_decode_are_refused(exported):
    tiff = io.BytesIO()
    Image.new("L", (16, 16)).save(tiff, "TIFF")
    with pytest.raises(tf.errors.InvalidArgumentError, match="that TensorFlow decodes"):
        exported.serve_bytes(tf.constant([tiff.getvalue()]))


def test_floats_to_255_are_refused(exported, images):
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 1"):
        exported.serve_float(grey(images).astype("float32"))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_another_number_of_channels_is_refused(exported, channels):
    images = np.zeros((2, *SIZE, channels), "uint8")
    with pytest.raises(TypeError, match=r"Can not cast .* to TensorSpec"):
        exported.serve(images)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected .*,16,16,1\]"):
        exported.signatures["serve"](tf.constant(images))


def test_an_image_below_the_threshold_is_unknown(exported):
    noise = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 1), "uint8")
    answer = exported.serve(noise)
    unsure = np.max(answer["probabilities"], axis=-1) < 0.6
    assert unsure.any()
    np.testing.assert_array_equal(answer["class_name"] == b"unknown", unsure)


@pytest.fixture(scope="module")
def color_classifier():
    return make_learner(channels=3).adapt(*pictures(NAMES))


@pytest.fixture(scope="module")
def color_folder(color_classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "colors"
    color_classifier.export(folder)
    return folder


@pytest.fixture
def files(tmp_path):
    """Files with JPEG, EXIF rotation, transparency, WebP and 16 bits."""
    folder = tmp_path / "files"
    folder.mkdir()
    rgb = Image.fromarray(picture("bar", (40, 24)))
    turned = Image.Exif()
    turned[274] = 6  # to be turned by 90 degrees to be seen upright
    clear = rgb.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    deep = Image.fromarray(picture("disk", (30, 30))[..., 0].astype("uint16") * 257)
    rgb.save(folder / "plain.jpg", quality=95)
    rgb.save(folder / "turned.jpg", exif=turned, quality=95)
    clear.save(folder / "clear.png")
    rgb.save(folder / "lossy.webp")
    rgb.save(folder / "turned.png", exif=turned)
    rgb.save(folder / "turned.webp", exif=turned)
    rgb.quantize(8).save(folder / "clear.gif", transparency=0)
    deep.save(folder / "deep.png")
    return sorted(folder.iterdir())


ONLY_TENSORFLOW = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf

found = []
for folder, images, files in json.loads(sys.argv[1]):
    exported = tf.saved_model.load(folder)
    images = np.load(images)
    contents = [pathlib.Path(path).read_bytes() for path in files]
    found.append({})
    for name, value in (
        ("serve", images),
        ("serve_float", images.astype("float32") / 255),
        ("serve_bytes", tf.constant(contents)),
    ):
        outputs = exported.signatures[name](tf.constant(value))
        found[-1][name] = {
            "probabilities": outputs["probabilities"].numpy().tolist(),
            "indices": outputs["class_index"].numpy().tolist(),
            "names": [n.decode() for n in outputs["class_name"].numpy()],
        }
assert "fsl_keras" not in sys.modules
print(json.dumps(found))
"""


def assert_same_outputs(found, expected):
    """The outputs of an endpoint are the predictions of `predict_classes`."""
    probabilities = [list(answer.probabilities.values()) for answer in expected]
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-5)
    assert found["indices"] == np.argmax(probabilities, axis=-1).tolist()
    assert found["names"] == [answer.class_name for answer in expected]


def test_a_process_with_tensorflow_alone(
    classifier, folder, color_classifier, color_folder, files, images, tmp_path
):
    paths = write(tmp_path, images, NAMES)
    np.save(tmp_path / "grey.npy", grey(images))
    np.save(tmp_path / "images.npy", images)
    given = [
        (folder, tmp_path / "grey.npy", paths),
        (color_folder, tmp_path / "images.npy", files),
    ]
    of_grey, of_color = json.loads(
        run_python(ONLY_TENSORFLOW, json.dumps(given, default=str))
    )
    for name in ("serve", "serve_bytes"):
        assert_same_outputs(of_grey[name], classifier.predict_classes(images))
    floats = classifier.predict_classes(grey(images).astype("float32") / 255)
    assert_same_outputs(of_grey["serve_float"], floats)
    for name, items in (("serve", images), ("serve_bytes", files)):
        assert_same_outputs(of_color[name], color_classifier.predict_classes(items))
    floats = color_classifier.predict_classes(images.astype("float32") / 255)
    assert_same_outputs(of_color["serve_float"], floats)
    # The rotation in EXIF changes the image.
    outputs = dict(zip(files, of_color["serve_bytes"]["probabilities"], strict=True))
    plain, turned = (
        outputs[path] for path in files if path.name in ("plain.jpg", "turned.jpg")
    )
    assert np.abs(np.subtract(plain, turned)).max() > 1e-3


@pytest.mark.parametrize("channels", [1, 4])
def test_another_number_than_three_is_refused(color_folder, channels):
    images = np.zeros((2, *SIZE, channels), "uint8")
    exported = tf.saved_model.load(color_folder)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected .*,16,16,3\]"):
        exported.signatures["serve"](tf.constant(images))


def test_an_earlier_export_is_replaced(folder, classifier):
    left_over = folder / "assets" / "left_over.txt"
    left_over.write_text("from before", encoding="utf-8")
    classifier.export(folder)
    assert not left_over.exists()
    assert [path.name for path in folder.parent.iterdir()] == ["shapes"]


def test_a_folder_of_something_else_is_refused(folder, classifier):
    mine = folder / "mine.txt"
    mine.write_text("keep me", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"mine\.txt"):
        classifier.export(folder)
    assert mine.read_text(encoding="utf-8") == "keep me"
    mine.unlink()


def test_the_examples_are_not_exported(folder, classifier):
    stored = tf.train.list_variables(str(folder / "variables" / "variables"))
    shapes = {tuple(shape) for name, shape in stored if "_CHECKPOINTABLE" not in name}
    learned = classifier.task.learned
    assert learned.features.shape not in shapes
    assert learned.pairs.shape not in shapes
    assert tuple(classifier.task.state["prototypes"].shape[1:]) in shapes
