"""A saved classifier predicts, grows and is corrected in a process of its own."""

import json

import keras
import numpy as np
import pytest

from tests.checks import run_python
from tests.shapes import THREE, make_learner, pictures, prototypes

CODE = """
import json, sys, fsl_keras, keras, numpy as np
folder = sys.argv[1]
known, more, other = (
    keras.saving.load_model(f"{folder}/{name}.keras")
    for name in ("known", "more", "other")
)
frames, images = (np.load(f"{folder}/{name}.npy") for name in ("frames", "images"))
printed = {"examples": [tuple(example) for example in known.examples()]}
np.save(f"{folder}/found.npy", known.predict(images, verbose=0))

before = known.task.state["prototypes"].numpy()
known.add_class("frame", frames)
printed["unchanged"] = (
    known.task.state["prototypes"].numpy()[:, :3].tobytes() == before.tobytes()
)
assert fsl_keras.classifier.fingerprint_of(known.learner) == known.fingerprint
known.save(f"{folder}/grown.keras")

known.remove_class("frame")
known.add_classes_from(more)
printed["classes"] = known.class_names
try:
    known.add_classes_from(other)
except ValueError as error:
    printed["error"] = str(error)

known.remove_class("frame")
known.relabel(4, "bar")
known.remove_example(0)
known.save(f"{folder}/corrected.keras")
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def folder(learner, tmp_path_factory):
    """The classifiers and images that the process reads."""
    folder = tmp_path_factory.mktemp("fresh")
    frames, labels = pictures(["frame"])
    np.save(folder / "frames.npy", frames)
    np.save(folder / "images.npy", pictures(THREE, seed=100)[0])
    learner.adapt(*pictures(THREE)).save(folder / "known.keras")
    learner.adapt(frames, labels).save(folder / "more.keras")
    make_learner(seed=1).adapt(frames, ["egg"] * 4).save(folder / "other.keras")
    return folder


@pytest.fixture(scope="module")
def printed(folder):
    return json.loads(run_python(CODE, folder).splitlines()[-1])


# A process of its own optimizes graphs, which a test's does not: hence tolerances.


@pytest.mark.slow
def test_it_predicts_the_same(printed, folder, classifier):
    images = np.load(folder / "images.npy")
    np.testing.assert_allclose(
        np.load(folder / "found.npy"), classifier.predict(images, verbose=0), rtol=1e-5
    )


def test_it_lists_its_examples(printed, classifier):
    assert [tuple(row) for row in printed["examples"]] == classifier.examples()


def test_it_grows(printed, folder, classifier):
    assert printed["unchanged"]
    assert printed["classes"] == [*THREE, "frame"]
    assert "weights of the backbone" in printed["error"]
    grown = keras.saving.load_model(folder / "grown.keras")
    classifier.add_class("frame", np.load(folder / "frames.npy"))
    np.testing.assert_allclose(prototypes(grown), prototypes(classifier), rtol=1e-5)
    assert grown.task.examples() == classifier.task.examples()


def test_it_is_corrected(printed, folder, learner):
    corrected = keras.saving.load_model(folder / "corrected.keras")
    images, labels = pictures(THREE)
    labels[4] = "bar"
    expected = learner.adapt(images[1:], labels[1:])
    np.testing.assert_allclose(
        prototypes(corrected), prototypes(expected), rtol=1e-4, atol=1e-5
    )
