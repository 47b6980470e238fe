"""The methods of `keras.Model` on a classifier."""

import math

import keras
import numpy as np
import pytest

from tests.shapes import THREE, pictures

TARGETS = np.repeat([0, 1, 2], 4)


class TestTrainingIsRefused:
    def test_fit(self, classifier):
        images, _ = pictures(THREE)
        for train in (classifier.fit, classifier.train_on_batch):
            with pytest.raises(ValueError, match=r"`update` and `add_class`"):
                train(images, TARGETS)

    @pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.SGD()])
    def test_an_optimizer(self, classifier, optimizer):
        with pytest.raises(ValueError, match=r"without an optimizer.*`update`"):
            classifier.compile(optimizer=optimizer)
        images, _ = pictures(THREE)
        assert classifier.evaluate(images, TARGETS, verbose=0)[1] == 1.0

    def test_a_file_that_was_compiled_with_one_loads(self, classifier, tmp_path):
        keras.Model.compile(
            classifier,
            optimizer="adam",
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        classifier.save(tmp_path / "old.keras")
        loaded = keras.saving.load_model(tmp_path / "old.keras")
        assert loaded.optimizer is None
        images, _ = pictures(THREE)
        assert loaded.evaluate(images, TARGETS, verbose=0)[1] == 1.0


def test_other_metrics_can_be_compiled_and_are_saved(classifier, tmp_path):
    images, _ = pictures(THREE, seed=100)
    classifier.compile(
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]
    )
    found = classifier.evaluate(images, TARGETS, verbose=0, return_dict=True)
    assert set(found) == {"loss", "accuracy", "sparse_top_k_categorical_accuracy"}
    assert classifier.test_on_batch(images, TARGETS)[1] == 1.0
    classifier.save(tmp_path / "shapes.keras")
    loaded = keras.saving.load_model(tmp_path / "shapes.keras")
    again = loaded.evaluate(images, TARGETS, verbose=0, return_dict=True)
    assert again == pytest.approx(found)


@pytest.mark.parametrize("threshold", [90, -0.1, 1.001, math.nan, math.inf])
def test_thresholds_that_are_not_probabilities_are_refused(
    learner, classifier, threshold
):
    message = r"`unknown_threshold` is a probability from 0 to 1"
    with pytest.raises(ValueError, match=message):
        classifier.unknown_threshold = threshold
    assert classifier.unknown_threshold == 0.0
    with pytest.raises(ValueError, match=message):
        type(classifier)(learner.copy(), THREE, unknown_threshold=threshold)
    # Before any image is read.
    with pytest.raises(ValueError, match=message):
        learner.adapt(["missing.jpg"], ["a"], unknown_threshold=threshold)


def test_classes_can_be_renamed(classifier):
    images, _ = pictures(THREE, count=1, seed=100)
    classifier.class_names = ["I", "-", "O"]
    assert [p.class_name for p in classifier.predict_classes(images)] == ["I", "-", "O"]
