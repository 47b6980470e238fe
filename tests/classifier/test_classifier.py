"""Prediction, adaptation and saving of classifiers."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.classifier import UNKNOWN, ClassPrediction, FewShotClassifier
from tests.shapes import (
    NAMES,
    THREE,
    make_learner,
    names,
    picture,
    pictures,
    prototypes,
    write,
)

# `pytest.warns` issues other warnings again, also those that are ignored in Keras.
warned_by_keras = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")


@pytest.fixture(scope="module")
def held_out():
    return pictures(NAMES, seed=100)


class TestPredict:
    def test_new_images_are_predicted_right(self, classifier):
        images, labels = pictures(THREE, seed=100)
        assert names(classifier, images) == labels

    def test_predictions_have_names_and_probabilities(self, classifier):
        images, _ = pictures(["disk"], count=1, seed=100)
        (answer,) = classifier.predict_classes(images)
        assert isinstance(answer, ClassPrediction)
        assert answer.class_name == "disk"
        assert list(answer.probabilities) == THREE
        assert answer.probability == answer.probabilities["disk"]
        assert sum(answer.probabilities.values()) == pytest.approx(1)

    def test_probabilities_are_the_softmax_of_the_learners_logits(
        self, learner, classifier
    ):
        support, labels = pictures(THREE)
        query, _ = pictures(THREE, seed=100)
        items = classifier.preprocessing
        episode = fsl.episodes.make_episode(items(support), labels, items(query))
        expected = keras.ops.softmax(learner(episode)[0])
        found = classifier.predict(query, verbose=0)
        assert found.shape == (12, 3)
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_the_forms_of_images_agree(self, classifier, tmp_path):
        images, labels = pictures(THREE, count=2, seed=100)
        expected = classifier.predict(images, verbose=0)
        dataset = tf.data.Dataset.from_tensor_slices(images).batch(4)
        found = classifier.predict(dataset, verbose=0)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        paths = write(tmp_path, images, labels)
        for given in (images, list(images), paths, [str(path) for path in paths]):
            rows = [
                list(p.probabilities.values())
                for p in classifier.predict_classes(given)
            ]
            np.testing.assert_allclose(rows, expected, atol=1e-6)
        floats = images.astype("float32") / 255
        # uint8 images are rounded again after they are resized, floats are not.
        found = classifier.predict(floats, verbose=0)
        np.testing.assert_allclose(found, expected, atol=0.02)

    def test_a_list_of_images_of_different_sizes(self, classifier):
        sizes = [(20, 24), (64, 48), (16, 16)]
        images = [
            picture(name, size, seed=100)
            for name, size in zip(THREE, sizes, strict=True)
        ]
        assert names(classifier, images) == THREE

    def test_a_prediction_does_not_depend_on_the_batch(self, classifier):
        images, _ = pictures(NAMES, count=8, seed=100)
        assert len(images) == 32
        one, all_ = (classifier.predict(images, n, verbose=0) for n in (1, 32))
        np.testing.assert_allclose(one, all_, atol=1e-6)

    def test_below_the_threshold_an_image_is_unknown(self, classifier, held_out):
        images, _ = held_out
        sure = [answer.probability for answer in classifier.predict_classes(images)]
        best = names(classifier, images)
        threshold = classifier.unknown_threshold = float(np.median(sure))
        expected = [
            name if probability >= threshold else UNKNOWN
            for name, probability in zip(best, sure, strict=True)
        ]
        assert 0 < expected.count(UNKNOWN) < len(images)
        assert names(classifier, images) == expected

    @pytest.mark.parametrize("method", ["predict", "predict_classes"])
    def test_floats_to_255_are_refused_by_name(self, classifier, method):
        images = pictures(THREE)[0].astype("float32")
        error = (ValueError, tf.errors.InvalidArgumentError)
        with pytest.raises(error, match=r"value_range=\(0, 255\)"):
            getattr(classifier, method)(images)

    def test_nan_is_refused(self, classifier):
        images = pictures(THREE)[0].astype("float32") / 255
        images[2, 3, 4, 0] = np.nan
        with pytest.raises(ValueError, match=r"index \[2\] hold NaN"):
            classifier.predict_classes(images)
        with pytest.raises(tf.errors.InvalidArgumentError, match="values from 0 to 1"):
            classifier.predict(images, verbose=0)

    def test_floats_to_255_with_their_range(self, classifier):
        images, labels = pictures(THREE, seed=100)
        classifier.predict(images.astype("float32") / 255, verbose=0)
        classifier.value_range = (0, 255)  # after it was compiled for [0, 1]
        assert classifier.value_range == (0, 255)
        found = classifier.predict(images.astype("float32"), verbose=0)
        assert [THREE[i] for i in found.argmax(-1)] == labels
        assert names(classifier, images.astype("float32")) == labels


class TestEvaluate:
    def test_arrays(self, classifier):
        images, _ = pictures(THREE, seed=100)
        loss, accuracy = classifier.evaluate(images, np.repeat([0, 1, 2], 4), verbose=0)
        assert accuracy == 1.0
        probabilities = classifier.predict(images, verbose=0)
        own = probabilities[np.arange(12), np.repeat([0, 1, 2], 4)]
        assert loss == pytest.approx(-np.log(own).mean(), rel=1e-4)

    def test_a_folder_as_keras_reads_it(self, learner, tmp_path):
        for part, seed in (("train", 0), ("test", 100)):
            write(tmp_path / part, *pictures(THREE, seed=seed))
        train, test = (
            keras.utils.image_dataset_from_directory(
                tmp_path / part, image_size=(20, 24), batch_size=5, verbose=False
            )
            for part in ("train", "test")
        )
        with pytest.raises(ValueError, match="value_range"):
            learner.adapt(train)
        # Both are shuffled again in every pass.
        classifier = learner.adapt(train, value_range=(0, 255))
        assert classifier.class_names == THREE
        assert classifier.evaluate(test, verbose=0)[1] == 1.0
        assert names(classifier, pictures(THREE, seed=200)[0]) == pictures(THREE)[1]


class TestAdapt:
    def test_the_forms_of_examples_agree(self, learner, classifier, tmp_path):
        images, labels = pictures(THREE)
        numbers = [THREE.index(label) for label in labels]
        paths = write(tmp_path, images, labels)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels))
        for given in (
            learner.adapt(images, numbers, THREE),
            learner.adapt(list(images), labels),
            learner.adapt(paths, labels),
            learner.adapt(dataset.batch(5)),
            learner.adapt(dataset),
            learner.adapt(dataset.shuffle(12).batch(5)),
        ):
            assert given.class_names == THREE
            np.testing.assert_allclose(
                prototypes(given), prototypes(classifier), atol=1e-5
            )

    def test_class_names_give_the_order(self, learner):
        order = ["disk", "bar", "beam"]
        classifier = learner.adapt(*pictures(THREE), class_names=order)
        assert classifier.class_names == order
        images, labels = pictures(THREE, seed=100)
        assert names(classifier, images) == labels

    @warned_by_keras
    def test_unreadable_files_are_skipped_and_named(self, learner, tmp_path):
        images, labels = pictures(THREE)
        paths = write(tmp_path, images, labels)
        paths[5].write_bytes(b"no image")
        with pytest.warns(UserWarning, match=r"1 of 12.*005\.png"):
            classifier = learner.adapt(paths, labels)
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[4, 3, 4]]
        assert names(classifier, images) == labels

    @warned_by_keras
    def test_a_class_without_readable_files_is_named(self, learner, tmp_path):
        paths = write(tmp_path, *pictures(THREE, count=1))
        paths[1].write_bytes(b"")
        with (
            pytest.warns(UserWarning, match="Skipped"),
            pytest.raises(ValueError, match=r"\['beam'\] have no example"),
        ):
            learner.adapt(paths, THREE)

    def test_the_same_image_counts_once(self, learner, classifier):
        images, labels = pictures(THREE)
        twice = learner.adapt(np.concatenate([images, images[:3]]), labels + labels[:3])
        assert len(twice.task.examples()) == 12
        np.testing.assert_array_equal(prototypes(twice), prototypes(classifier))

    def test_the_same_image_may_be_in_two_classes(self, learner):
        image = picture("bar")
        classifier = learner.adapt(np.stack([image, image]), ["bar", "line"])
        np.testing.assert_allclose(
            classifier.predict(image[None], verbose=0), [[0.5, 0.5]], atol=1e-6
        )

    def test_more_examples_than_one_batch(self, learner):
        images, labels = pictures(["bar", "disk"], count=40)
        classifier = learner.adapt(images, labels)
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[40, 40]]
        embedded = learner.backbone(classifier.preprocessing(images))
        means = np.asarray(embedded).reshape(2, 40, -1).mean(axis=1)
        np.testing.assert_allclose(prototypes(classifier), means, atol=1e-5)

    def test_dark_ink_on_white(self, learner):
        images, labels = pictures(THREE)
        inverted = learner.adapt(255 - images, labels)
        classifier = learner.adapt(images, labels, invert=True)
        found = classifier.predict(images, verbose=0)
        np.testing.assert_allclose(
            found, inverted.predict(255 - images, verbose=0), atol=0.02
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda x, y: (x.astype("float32"), y), r"value_range=\(0, 255\)"),
            (lambda x, y: (x / np.where(x > 40, 255.0, np.nan), y), "NaN"),
            (lambda x, y: (x, y[:-1]), r"shape \(11,\) for 12 items"),
            (lambda x, y: (x, None), "`labels` are missing"),
            (lambda x, y: (x, np.arange(12.0)), "Received floats"),
            (lambda x, y: (x, [-1] * 12), "negative"),
            (lambda x, y: (x, [0] * 6 + [2] * 6), r"\[1\] have no item"),
            (lambda x, y: (x, y, ["bar", "beam"]), r"\['disk'\].*class_names"),
            (lambda x, y: (x, y, [*THREE, "egg"]), r"\['egg'\] have no example"),
            (lambda x, y: (x[:0], []), "no images"),
        ],
        ids=[
            "range",
            "nan",
            "length",
            "no labels",
            "floats",
            "negative",
            "gap",
            "other name",
            "empty class",
            "nothing",
        ],
    )
    def test_errors_name_the_fix(self, learner, change, message):
        with pytest.raises(ValueError, match=message):
            learner.adapt(*change(*pictures(THREE)))

    def test_only_learners_adapt(self):
        backbone = fsl.backbones.Conv4((16, 16, 1), filters=2)
        with pytest.raises(ValueError, match="must be a learner"):
            FewShotClassifier.from_examples(backbone, *pictures(THREE))


@pytest.mark.slow
def test_training_the_learner_does_not_change_the_classifier(tmp_path):
    learner = make_learner()
    learner.compile()
    images, labels = pictures(THREE)
    items = learner.adapt(images, labels).preprocessing(images)
    x, y = fsl.episodes.make_episode(items, labels, items, labels)
    learner.train_on_batch(x, y)
    classifier = learner.adapt(images, labels)
    before = classifier.predict(images, verbose=0)
    learner.train_on_batch(x, y)
    np.testing.assert_array_equal(classifier.predict(images, verbose=0), before)
    # Nor does the classifier freeze the learner, or take its optimizer along.
    assert learner.trainable_weights
    assert classifier.trainable_weights == []
    classifier.save(tmp_path / "shapes.keras")
    with zipfile.ZipFile(tmp_path / "shapes.keras") as file:
        file.extract("model.weights.h5", tmp_path)
    stored = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visit(stored.append)
    assert any("moving_mean" in name or "vars" in name for name in stored)
    assert not [name for name in stored if "optimizer" in name or "adam" in name]


def test_mixed_precision_leaves_memory_and_state_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        classifier = make_learner().adapt(*pictures(THREE))
        images, labels = pictures(THREE, seed=100)
        assert names(classifier, images) == labels
        found = classifier.predict(images, verbose=0)
        one_by_one = [
            list(p.probabilities.values()) for p in classifier.predict_classes(images)
        ]
    finally:
        keras.config.set_dtype_policy(before)
    parts = (classifier.task.memory, classifier.task.state)
    assert {v.dtype.name for part in parts for v in part.values()} == {"float32"}
    # The image itself is not rounded to half precision.
    assert found.dtype == classifier.compute_dtype == "float32"
    np.testing.assert_allclose(found, one_by_one, atol=1e-3)


class TestSaving:
    def test_a_loaded_classifier_predicts_and_grows(
        self, classifier, tmp_path, held_out
    ):
        images, labels = held_out
        path = tmp_path / "shapes.keras"
        classifier.unknown_threshold = 0.25
        classifier.save(path)
        loaded = keras.saving.load_model(path)
        assert loaded.class_names == THREE
        assert loaded.unknown_threshold == 0.25
        assert loaded.task.examples() == classifier.task.examples()
        np.testing.assert_array_equal(
            loaded.predict(images, verbose=0), classifier.predict(images, verbose=0)
        )
        # What is loaded learns on, and is saved with what it learned.
        loaded.add_class("frame", pictures(["frame"])[0])
        loaded.save(path)
        again = keras.saving.load_model(path)
        assert names(again, images) == labels
        targets = np.repeat([0, 1, 2, 3], 4)
        assert again.evaluate(images, targets, verbose=0)[1] == 1.0


class TestVectors:
    """Items that are not images are taken as they are."""

    @pytest.fixture
    def learner(self):
        keras.utils.set_random_seed(0)
        backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6)])
        return fsl.models.PrototypicalNetwork(backbone)

    @pytest.fixture
    def items(self):
        noise = np.random.default_rng(0).normal(size=(12, 4))
        return np.repeat(np.eye(3, 4), 4, axis=0) * 9 + noise

    @pytest.fixture
    def classifier(self, learner, items):
        return learner.adapt(items[:8], ["a"] * 4 + ["b"] * 4)

    def test_adapt_and_grow(self, classifier, items):
        assert classifier.preprocessing is None
        assert names(classifier, items[:8]) == ["a"] * 4 + ["b"] * 4
        classifier.add_class("c", list(items[8:]))
        found = classifier.predict(items, verbose=0)
        assert found.argmax(-1).tolist() == [0] * 4 + [1] * 4 + [2] * 4

    def test_an_example_of_another_dtype_is_the_same(self, classifier, items):
        classifier.update("a", items[:4].astype("float32"))
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[4, 4]]

    def test_saved_and_exported(self, classifier, items, tmp_path):
        classifier.save(tmp_path / "vectors.keras")
        loaded = keras.saving.load_model(tmp_path / "vectors.keras")
        expected = classifier.predict(items, verbose=0)
        np.testing.assert_array_equal(loaded.predict(items, verbose=0), expected)
        classifier.export(tmp_path / "vectors")
        exported = tf.saved_model.load(tmp_path / "vectors")
        answer = exported.serve(items.astype("float32"))
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
        assert not hasattr(exported, "serve_bytes")

    def test_nan_is_refused_by_index(self, learner, items):
        items[5, 1] = np.nan
        with pytest.raises(ValueError, match=r"index \[5\] hold NaN"):
            learner.adapt(items, ["a"] * 12)
