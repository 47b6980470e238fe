"""A SavedModel that a process with nothing but TensorFlow loads and runs."""

import json

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import pictures as picture_files
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


def test_the_answers_are_those_of_the_classifier(classifier, exported, images):
    answer = exported.serve(grey(images))
    expected = classifier.predict(images, verbose=0)
    assert set(answer) == {"probabilities", "class_index", "class_name"}
    assert answer["probabilities"].shape == (4, 4)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(answer["class_index"], expected.argmax(-1))
    names = [p.class_name for p in classifier.predict_classes(images)]
    assert [name.decode() for name in answer["class_name"].numpy()] == names


def test_any_size_and_any_number_of_pictures(classifier, exported):
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


def test_floats_to_255_are_refused(exported, images):
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 1"):
        exported.serve_float(grey(images).astype("float32"))


def test_a_picture_below_the_threshold_is_unknown(exported):
    noise = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 1), "uint8")
    answer = exported.serve(noise)
    unsure = np.max(answer["probabilities"], axis=-1) < 0.6
    assert unsure.any()
    np.testing.assert_array_equal(answer["class_name"] == b"unknown", unsure)


ONLY_TENSORFLOW = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf

exported = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
contents = [pathlib.Path(path).read_bytes() for path in sys.argv[3:]]
found = {}
for name, value in (
    ("serve", images),
    ("serve_float", images.astype("float32") / 255),
    ("serve_bytes", tf.constant(contents)),
):
    answer = exported.signatures[name](tf.constant(value))
    found[name] = answer["probabilities"].numpy().tolist()
    found[name + " names"] = [n.decode() for n in answer["class_name"].numpy()]
assert "fsl_keras" not in sys.modules
print(json.dumps(found))
"""


def test_a_process_with_tensorflow_alone(classifier, folder, images, tmp_path):
    paths = write(tmp_path, images, NAMES)
    np.save(tmp_path / "grey.npy", grey(images))
    found = json.loads(
        run_python(ONLY_TENSORFLOW, folder, tmp_path / "grey.npy", *paths)
    )
    expected = classifier.predict_classes(images)
    probabilities = [list(answer.probabilities.values()) for answer in expected]
    for name in ("serve", "serve_bytes"):
        np.testing.assert_allclose(found[name], probabilities, atol=1e-5)
        assert found[f"{name} names"] == [answer.class_name for answer in expected]
    floats = classifier.predict(grey(images).astype("float32") / 255, verbose=0)
    np.testing.assert_allclose(found["serve_float"], floats, atol=1e-5)


def test_a_folder_that_is_there_is_replaced_whole(folder, classifier):
    (folder / "left_over.txt").write_text("from before")
    classifier.export(folder)
    assert not (folder / "left_over.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["shapes"]
