"""Classes and examples that come to a classifier later, or leave it."""

import hashlib

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.classifier import fingerprint_of
from tests.checks import run_python
from tests.shapes import (
    NAMES,
    THREE,
    make_learner,
    names,
    pictures,
    prototypes,
    write,
)


@pytest.fixture(scope="module")
def learner():
    return make_learner()


@pytest.fixture
def classifier(learner):
    """Knows the first three shapes."""
    return learner.adapt(*pictures(THREE))


class TestGrowth:
    def test_a_class_comes_and_the_others_stay_the_same_to_the_bit(self, classifier):
        images, labels = pictures(NAMES, seed=100)
        assert classifier.predict(images, verbose=0).shape == (16, 3)
        classifier.evaluate(images[:12], np.repeat([0, 1, 2], 4), verbose=0)
        before = prototypes(classifier)
        classifier.add_class("frame", pictures(["frame"])[0])
        assert classifier.class_names == NAMES
        assert prototypes(classifier)[:3].tobytes() == before.tobytes()
        assert classifier.predict(images, verbose=0).shape == (16, 4)
        assert names(classifier, images) == labels
        targets = np.repeat([0, 1, 2, 3], 4)
        assert classifier.evaluate(images, targets, verbose=0)[1] == 1.0

    def test_a_class_that_comes_is_as_if_it_had_been_there(self, learner, classifier):
        classifier.add_class("frame", list(pictures(["frame"])[0]))
        at_once = learner.adapt(*pictures(NAMES))
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )

    def test_from_files(self, classifier, tmp_path):
        paths = write(tmp_path, *pictures(["frame"]))
        classifier.add_class("frame", paths)
        assert names(classifier, pictures(["frame"], seed=100)[0]) == ["frame"] * 4

    def test_more_examples_of_a_class(self, learner, classifier):
        more, labels = pictures(["beam"], count=3, seed=50)
        before = prototypes(classifier)
        classifier.update("beam", more)
        images, known = pictures(THREE)
        at_once = learner.adapt(np.concatenate([images, more]), known + labels)
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )
        np.testing.assert_array_equal(prototypes(classifier)[[0, 2]], before[[0, 2]])

    def test_known_examples_count_once(self, classifier):
        before = prototypes(classifier)
        classifier.update("bar", pictures(["bar"])[0])
        np.testing.assert_array_equal(prototypes(classifier), before)
        classifier.update("bar", pictures(["bar"], count=5)[0])  # one of them is new
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[5, 4, 4]]

    def test_a_class_is_forgotten(self, learner, classifier):
        images, _ = pictures(["bar", "disk"], seed=100)
        classifier.remove_class("beam")
        assert classifier.class_names == ["bar", "disk"]
        without = learner.adapt(*pictures(["bar", "disk"]))
        np.testing.assert_allclose(
            classifier.predict(images, verbose=0),
            without.predict(images, verbose=0),
            atol=1e-5,
        )
        # Its examples are forgotten too, and may come again.
        classifier.add_class("beam", pictures(["beam"])[0])
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[4, 4, 4]]

    def test_the_classes_of_two_classifiers(self, learner, classifier):
        other = learner.adapt(*pictures(["frame"]))
        classifier.add_classes_from(other)
        at_once = learner.adapt(*pictures(NAMES))
        assert classifier.class_names == NAMES
        assert classifier.task.examples == at_once.task.examples
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )

    # Keras's own, of reading weights, which `pytest.warns` tells again.
    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_files_that_cannot_be_read_are_left_out_and_named(
        self, classifier, tmp_path
    ):
        paths = write(tmp_path, *pictures(["frame"], count=3))
        paths[1].write_bytes(b"no picture")
        for learn in (classifier.add_class, classifier.update):
            with pytest.warns(UserWarning, match=r"Skipped 1 of 3 files: .*001\.png"):
                learn("frame", paths)
        assert classifier.class_names == [*THREE, "frame"]
        frames = [number for _, number in classifier.task.examples if number == 3]
        assert len(frames) == 2

    def test_what_fails_leaves_everything_as_it_was(self, classifier, tmp_path):
        images = pictures(THREE)[0]
        before = classifier.predict(images, verbose=0)
        (tmp_path / "bad.png").write_bytes(b"no picture")
        for name, learn in ("frame", classifier.add_class), ("bar", classifier.update):
            with pytest.raises(ValueError, match=r"Cannot read the file.*bad\.png"):
                learn(name, [tmp_path / "bad.png"])
        with pytest.raises(ValueError, match="no images"):
            classifier.add_class("frame", [])
        with pytest.raises(ValueError, match=r"Cannot read the file.*bar\.png"):
            classifier.update("bar", "bar.png")
        assert classifier.class_names == THREE
        np.testing.assert_array_equal(classifier.predict(images, verbose=0), before)

    def test_errors(self, learner, classifier):
        images = pictures(["bar"])[0]
        with pytest.raises(ValueError, match=r"'bar' is known already.*`update`"):
            classifier.add_class("bar", images)
        with pytest.raises(ValueError, match=r"no class 'egg'.*'bar', 'beam', 'disk'"):
            classifier.update("egg", images)
        with pytest.raises(ValueError, match="no class 'egg'"):
            classifier.remove_class("egg")
        with pytest.raises(ValueError, match=r"\['bar'\] are known already"):
            classifier.add_classes_from(learner.adapt(images, ["bar"] * 4))
        for option, value in (("invert", True), ("resize", "crop")):
            other = learner.adapt(*pictures(["frame"]), **{option: value})
            with pytest.raises(ValueError, match=f"`{option}={value!r}`"):
                classifier.add_classes_from(other)
        assert classifier.class_names == THREE
        classifier.remove_class("bar")
        classifier.remove_class("beam")
        with pytest.raises(ValueError, match="only class"):
            classifier.remove_class("disk")


FRESH = """
import sys, keras, numpy as np
import fsl_keras

folder = sys.argv[1]
known, more, other = (
    keras.saving.load_model(f"{folder}/{name}.keras")
    for name in ("known", "more", "other")
)
frames = np.load(f"{folder}/frames.npy")
before = known.task.state["prototypes"].numpy()
known.add_class("frame", frames)
assert known.task.state["prototypes"].numpy()[:, :3].tobytes() == before.tobytes()
assert fsl_keras.classifier.fingerprint_of(known.learner) == known.fingerprint
known.save(f"{folder}/grown.keras")
known.remove_class("frame")
known.add_classes_from(more)
assert known.class_names[-1] == "frame"
try:
    known.add_classes_from(other)
except ValueError as error:
    print(error)
"""


def test_growth_goes_on_in_a_fresh_process(learner, classifier, tmp_path):
    frames, labels = pictures(["frame"])
    np.save(tmp_path / "frames.npy", frames)
    classifier.save(tmp_path / "known.keras")
    learner.adapt(frames, labels).save(tmp_path / "more.keras")
    make_learner(seed=1).adapt(frames, ["egg"] * 4).save(tmp_path / "other.keras")
    assert "weights of the backbone" in run_python(FRESH, tmp_path)
    grown = keras.saving.load_model(tmp_path / "grown.keras")
    classifier.add_class("frame", frames)
    # A process of its own optimizes graphs, which a test's does not.
    np.testing.assert_allclose(prototypes(grown), prototypes(classifier), rtol=1e-5)
    assert grown.task.examples == classifier.task.examples


class TestAnotherBackboneIsRefused:
    def test_of_another_classifier(self, classifier):
        other = make_learner(seed=1).adapt(*pictures(["frame"]))
        with pytest.raises(ValueError, match=r"weights of the backbone.*`adapt`"):
            classifier.add_classes_from(other)

    @pytest.mark.parametrize("change", ["add_class", "update", "remove_class"])
    def test_that_was_trained_on(self, classifier, change):
        weights = classifier.learner.backbone.get_layer("norm4").moving_mean
        weights.assign(weights + 1e-6)
        arguments = {
            "add_class": ("frame", pictures(["frame"])[0]),
            "update": ("bar", pictures(["bar"], seed=9)[0]),
            "remove_class": ("bar",),
        }[change]
        with pytest.raises(ValueError, match="weights of the backbone"):
            getattr(classifier, change)(*arguments)

    def test_a_copy_has_the_same_fingerprint(self, learner):
        assert fingerprint_of(learner.copy()) == fingerprint_of(learner)
        assert fingerprint_of(make_learner(seed=1)) != fingerprint_of(learner)


def test_a_classifier_of_a_sequential_backbone_grows_after_loading(tmp_path):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5)])
    learner = fsl.models.TransferLearner(backbone)
    items = np.eye(4, dtype="float32")
    learner.adapt(items[:2], ["a", "b"]).save(tmp_path / "vectors.keras")
    loaded = keras.saving.load_model(tmp_path / "vectors.keras")
    loaded.add_class("c", items[2:3])
    loaded.add_classes_from(learner.adapt(items[3:], ["d"]))
    assert names(loaded, items) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("path", ["rest", "whole"])
def test_fingerprints_of_earlier_versions_are_known(classifier, path):
    digest = hashlib.sha256()
    for weight in classifier.learner.weights:
        value = weight.numpy()
        name = weight.path.split("/", 1)[-1] if path == "rest" else weight.path
        digest.update(f"{name}{value.shape}".encode() + value.tobytes())
    classifier.fingerprint = digest.hexdigest()
    classifier.add_class("frame", pictures(["frame"])[0])
    classifier.fingerprint = "0" * 64
    with pytest.raises(ValueError, match="weights of the backbone"):
        classifier.remove_class("frame")


@keras.saving.register_keras_serializable(package="tests")
class FixedWays(fsl.models.PrototypicalNetwork):
    incremental = "fixed_ways"


def test_a_learner_of_fixed_ways_takes_no_new_class(learner):
    classifier = FixedWays(learner.backbone).adapt(*pictures(THREE))
    with pytest.raises(ValueError, match=r"FixedWays.*fixed number.*`adapt`"):
        classifier.add_class("frame", pictures(["frame"])[0])
    assert names(classifier, pictures(THREE)[0]) == pictures(THREE)[1]
