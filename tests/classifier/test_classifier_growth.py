"""Classes and examples that are added to a classifier, or removed."""

import hashlib

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.classifier import fingerprint_of
from tests.shapes import (
    NAMES,
    THREE,
    make_learner,
    names,
    pictures,
    prototypes,
    write,
)


class TestGrowth:
    def test_a_new_class_leaves_the_others_bit_identical(self, classifier):
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

    def test_a_new_class_is_as_if_it_had_been_learned_at_once(
        self, learner, classifier
    ):
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

    def test_a_class_is_removed(self, learner, classifier):
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
        assert classifier.task.examples() == at_once.task.examples()
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )

    def test_known_and_new_classes_together(self, learner, classifier):
        more, labels = pictures(["frame", "beam"], count=6, seed=50)
        before = prototypes(classifier)
        classifier.add_examples(more, labels)
        assert classifier.class_names == NAMES
        images, known = pictures(THREE)
        at_once = learner.adapt(np.concatenate([images, more]), known + labels, NAMES)
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )
        np.testing.assert_array_equal(prototypes(classifier)[[0, 2]], before[[0, 2]])
        again = prototypes(classifier)
        classifier.add_examples(more, labels)
        np.testing.assert_array_equal(prototypes(classifier), again)

    def test_known_and_new_classes_of_a_folder(self, classifier, tmp_path):
        for name in ("bar", "frame"):
            write(tmp_path / name, *pictures([name], seed=50))
        classifier.add_examples(tmp_path)
        assert classifier.class_names == NAMES
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[8, 4, 4, 4]]

    def test_integers_are_names(self, classifier):
        classifier.add_examples(pictures(["frame"])[0], [0] * 4)
        assert classifier.class_names == [*THREE, "0"]

    # `pytest.warns` issues other warnings again, here one of Keras.
    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_a_new_class_of_which_nothing_can_be_read(self, classifier, tmp_path):
        (image,) = pictures(["bar"], count=1, seed=50)[0]
        (tmp_path / "broken.png").write_bytes(b"\x89PNG")
        before = classifier.get_weights()
        with (
            pytest.warns(UserWarning, match="broken"),
            pytest.raises(ValueError, match=r"classes \['frame'\] can be read"),
        ):
            classifier.add_examples([image, tmp_path / "broken.png"], ["bar", "frame"])
        for weight, same in zip(classifier.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, same)

    # `pytest.warns` issues other warnings again, here one of Keras.
    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_files_that_cannot_be_read_are_skipped_and_named(
        self, classifier, tmp_path
    ):
        paths = write(tmp_path, *pictures(["frame"], count=3))
        paths[1].write_bytes(b"no image")
        for learn in (classifier.add_class, classifier.update):
            with pytest.warns(UserWarning, match=r"Skipped 1 of 3 files: .*001\.png"):
                learn("frame", paths)
        assert classifier.class_names == [*THREE, "frame"]
        frames = [number for _, number in classifier.task.examples() if number == 3]
        assert len(frames) == 2

    def test_an_error_leaves_the_classifier_unchanged(self, classifier, tmp_path):
        images = pictures(THREE)[0]
        before = classifier.predict(images, verbose=0)
        (tmp_path / "bad.png").write_bytes(b"no image")
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
def test_fingerprints_of_earlier_versions_are_valid(classifier, path):
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


def test_a_learner_of_fixed_ways_takes_examples_of_known_classes(learner):
    fixed = FixedWays.from_config(learner.get_config())
    classifier = fixed.adapt(*pictures(THREE))
    classifier.add_examples(*pictures(["bar"], seed=50))
    with pytest.raises(ValueError, match="fixed number of classes"):
        classifier.add_examples(*pictures(["bar", "frame"], seed=60))


def test_a_learner_of_fixed_ways_refuses_a_new_class(learner):
    classifier = FixedWays(learner.backbone).adapt(*pictures(THREE))
    with pytest.raises(ValueError, match=r"FixedWays.*fixed number.*`adapt`"):
        classifier.add_class("frame", pictures(["frame"])[0])
    assert names(classifier, pictures(THREE)[0]) == pictures(THREE)[1]
