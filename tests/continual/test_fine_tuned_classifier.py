"""What a session changes, what it keeps, and what is saved between sessions."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from fsl_keras.continual import (
    FineTuningLearner,
    HerdingExemplars,
    ReservoirExemplars,
    compensate_drift,
)
from tests import shapes
from tests.continual.clusters import NAMES, vectors
from tests.continual.test_fine_tuning import SESSIONS, TEST, learner, network
from tests.shapes import pictures


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def vectors_of_classes(classifier):
    return classifier.model.layers[-1].kernel.numpy().T


def embeddings(classifier, items):
    return unit(np.asarray(classifier.model.layers[-2](items)))


class TestTraining:
    def test_only_the_layers_that_are_named_change(self):
        backbone = network()
        before = [weight.numpy() for weight in backbone.weights]
        classifier = learner("second", backbone=backbone, steps=5).adapt(*SESSIONS[0])
        trained = classifier.model.layers[-2].weights
        is_same = [np.array_equal(a, b) for a, b in zip(before, trained, strict=True)]
        assert is_same == [True, True, False, False]
        # The backbone that was given never changes.
        for weight, value in zip(backbone.weights, before, strict=True):
            np.testing.assert_array_equal(weight, value)

    def test_the_seed_decides(self):
        def logits(seed):
            return learner(seed=seed, steps=5).adapt(*SESSIONS[0]).logits(TEST[0])

        np.testing.assert_array_equal(logits(0), logits(0))
        assert not np.array_equal(logits(0), logits(1))

    def test_distillation_keeps_the_logits_of_earlier_classes(self):
        def change(distillation):
            one = learner(distillation=distillation, steps=15)
            classifier = one.adapt(*SESSIONS[0])
            before = classifier.logits(SESSIONS[1][0])
            classifier.add_examples(*SESSIONS[1])
            after = classifier.logits(SESSIONS[1][0])[:, :2]
            return np.abs(np.diff(after) - np.diff(before)).mean()

        assert change(10.0) < 0.5 * change(0.0)

    def test_a_class_that_comes_back(self):
        classifier = learner(steps=5).adapt(*SESSIONS[0])
        classifier.add_examples(*vectors(["birch", "elm"], 3, seed=5))
        assert classifier.class_names == ["ash", "birch", "elm"]
        assert classifier.logits(TEST[0]).shape == (120, 3)

    def test_sessions_of_one_example(self):
        classifier = learner(exemplars=HerdingExemplars(10**4), steps=5).adapt(
            *vectors(["ash"], 1)
        )
        classifier.add_examples(*vectors(["birch"], 1))
        assert classifier.class_names == ["ash", "birch"]
        assert np.isfinite(classifier.logits(TEST[0])).all()
        assert sorted(classifier.exemplars.labels) == ["ash", "birch"]

    def test_images_in_folders_of_classes(self, tmp_path):
        images, labels = pictures(shapes.NAMES, count=2)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            (tmp_path / label).mkdir(exist_ok=True)
            keras.utils.save_img(tmp_path / label / f"{number}.png", image)
        backbone = keras.Sequential(
            [
                keras.Input((20, 24, 3)),
                keras.layers.AveragePooling2D(4),
                keras.layers.Flatten(),
                keras.layers.Dense(8),
            ]
        )
        exemplars = ReservoirExemplars(10**6)
        one = learner(exemplars=exemplars, backbone=backbone, steps=2)
        classifier = one.adapt(tmp_path)
        assert classifier.class_names == sorted(shapes.NAMES)
        assert classifier.exemplars.items.shape == (len(images), 20, 24, 3)


class TestPrototypes:
    def test_of_a_frozen_backbone_are_those_of_all_examples_at_once(self):
        backbone = network()
        classifier = learner(None, None, backbone, prototypes=True, steps=2).adapt(
            *SESSIONS[0]
        )
        again = vectors(NAMES[:1], 8, seed=50)
        for session in (SESSIONS[1], again):
            classifier.add_examples(*session)
        items = np.concatenate([SESSIONS[0][0], SESSIONS[1][0], again[0]])
        names = np.asarray([*SESSIONS[0][1], *SESSIONS[1][1], *again[1]])
        embedded = unit(backbone.predict_on_batch(items))
        expected = [embedded[names == name].mean(axis=0) for name in NAMES[:4]]
        np.testing.assert_allclose(vectors_of_classes(classifier), expected, atol=1e-5)

    def test_of_earlier_classes_move_with_the_examples_of_the_session(self):
        classifier = learner(prototypes=True).adapt(*SESSIONS[0])
        prototypes, items = vectors_of_classes(classifier), SESSIONS[1][0]
        before = embeddings(classifier, items)
        classifier.add_examples(*SESSIONS[1])
        after = embeddings(classifier, items)
        moved = compensate_drift(prototypes, before, after)
        own = np.stack([after[:8].mean(axis=0), after[8:].mean(axis=0)])
        found = vectors_of_classes(classifier)
        np.testing.assert_allclose(found, np.concatenate([moved, own]), atol=1e-4)
        assert np.abs(found[:2] - prototypes).max() > 1e-2


class TestSaving:
    @pytest.mark.parametrize(
        ("unfreeze", "memory"),
        [
            ("all", HerdingExemplars(10 * 32)),
            ("second", ReservoirExemplars(10 * 32)),
            (None, None),
        ],
    )
    def test_a_restored_classifier_goes_on_as_the_one_that_was_saved(
        self, unfreeze, memory, tmp_path
    ):
        classifier = learner(unfreeze, memory, steps=5).adapt(*SESSIONS[0])
        classifier.save(tmp_path / "state.npz")
        restored = learner(unfreeze, memory, steps=5).restore(tmp_path / "state.npz")
        for one in (classifier, restored):
            one.add_examples(*SESSIONS[1])
        assert restored.class_names == classifier.class_names == NAMES[:4]
        logits = classifier.logits(TEST[0])
        np.testing.assert_array_equal(restored.logits(TEST[0]), logits)

    def test_the_model_is_saved_and_is_not_changed_by_later_sessions(self, tmp_path):
        classifier = learner(steps=5).adapt(*SESSIONS[0])
        model, logits = classifier.model, classifier.logits(TEST[0])
        model.save(tmp_path / "model.keras")
        classifier.add_examples(*SESSIONS[1])
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for one in (model, loaded):
            found = one.predict_on_batch(TEST[0])
            np.testing.assert_allclose(found, logits, atol=1e-5)

    def test_a_file_of_another_network_or_memory(self, tmp_path):
        path = tmp_path / "state.npz"
        learner(steps=5).adapt(*SESSIONS[0]).save(path)
        smaller = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        with pytest.raises(ValueError, match="of another network"):
            learner(backbone=smaller).restore(path)
        with pytest.raises(ValueError, match="of another network"):
            learner(None).restore(path)
        with pytest.raises(ValueError, match="saved without exemplars"):
            learner(exemplars=HerdingExemplars(10**4)).restore(path)


class Interrupted(keras.layers.Layer):
    """A layer that is interrupted in training, once it is told to."""

    is_on = False

    def call(self, inputs, training=None):
        if training and Interrupted.is_on:
            raise KeyboardInterrupt
        return inputs


class TestInterruptions:
    def test_an_interrupted_session_changes_nothing(self, monkeypatch):
        keras.saving.register_keras_serializable("tests")(Interrupted)
        layers = [keras.Input((8,)), keras.layers.Dense(8), Interrupted()]
        exemplars = ReservoirExemplars(20 * 32)
        classifier = learner(
            exemplars=exemplars, backbone=keras.Sequential(layers), steps=2
        ).adapt(*SESSIONS[0])
        before, kept = classifier.logits(TEST[0]), classifier.exemplars.labels
        monkeypatch.setattr(Interrupted, "is_on", True)
        with pytest.raises(KeyboardInterrupt):
            classifier.add_examples(*SESSIONS[1])
        assert classifier.class_names == NAMES[:2]
        np.testing.assert_array_equal(classifier.logits(TEST[0]), before)
        assert classifier.exemplars.labels == kept == ["ash"] * 8 + ["birch"] * 8
        monkeypatch.setattr(Interrupted, "is_on", False)
        classifier.add_examples(*SESSIONS[1])
        assert classifier.class_names == NAMES[:4]

    def test_a_process_killed_in_a_session_leaves_the_state_before(self, tmp_path):
        root = pathlib.Path(__file__).parents[2]
        path = tmp_path / "state.npz"
        script = (
            "import sys\n"
            "from tests.continual.test_fine_tuning import *\n"
            "one = learner(exemplars=HerdingExemplars(10**4), steps=5)\n"
            "classifier = one.adapt(*SESSIONS[0])\n"
            "classifier.save(sys.argv[1])\n"
            "one.steps = 10**6\n"
            "print('saved', flush=True)\n"
            "classifier.add_examples(*SESSIONS[1])\n"
            "classifier.save(sys.argv[1])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process:
            assert process.stdout.readline() == "saved\n"
            assert process.poll() is None
            process.kill()
        one = learner(exemplars=HerdingExemplars(10**4), steps=5)
        restored, here = one.restore(path), one.adapt(*SESSIONS[0])
        logits = here.logits(TEST[0])
        np.testing.assert_allclose(restored.logits(TEST[0]), logits, atol=1e-4)
        assert restored.exemplars.labels == ["ash"] * 8 + ["birch"] * 8


class TestErrors:
    def test_an_empty_session(self):
        classifier = learner(steps=5).adapt(*SESSIONS[0])
        for empty in (np.zeros((0, 8), "float32"), []):
            with pytest.raises(ValueError, match="session is empty"):
                classifier.add_examples(empty, [])
        assert classifier.class_names == NAMES[:2]

    def test_embeddings_while_the_backbone_is_trained(self):
        backbone = keras.Sequential(
            [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(8)]
        )
        images = np.zeros((2, 6, 6, 1), "float32")
        images[1] = 1
        classifier = FineTuningLearner(backbone, "all", steps=2).adapt(
            images, ["ash", "elm"]
        )
        match = (
            r"shape \(8,\), and the backbone takes \(6, 6, 1\).*the items themselves"
        )
        with pytest.raises(ValueError, match=match):
            classifier.add_examples(*vectors(["birch"], 2))
