import keras
import numpy as np
import pytest

import fsl_keras as fsl


def vectors(count, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), count)
    values = 2 * np.eye(3)[labels] + spread * rng.normal(size=(len(labels), 3))
    return values.astype("float32"), [f"class {number}" for number in labels]


@pytest.fixture(scope="module")
def learner():
    identity = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    return fsl.models.PrototypicalNetwork(identity)


@pytest.fixture(scope="module")
def classifier(learner):
    return learner.adapt(*vectors(20, seed=0), false_reject_rate=0.05)


@pytest.mark.parametrize("coverage", [0.8, pytest.param(0.95, marks=pytest.mark.slow)])
def test_the_right_class_is_in_the_set_at_the_rate(learner, coverage):
    covered = []
    for seed in range(20):
        classifier = learner.adapt(*vectors(20, seed), false_reject_rate=0.05)
        items, names = vectors(50, seed=100 + seed)
        sets = classifier.predict_sets(items, coverage)
        covered += [name in found for name, found in zip(names, sets, strict=True)]
    # Three standard errors: of 60 examples and of 150 queries, in 20 draws.
    error = np.sqrt(coverage * (1 - coverage) * (1 / 61 + 1 / 150) / 20)
    assert np.mean(covered) == pytest.approx(coverage, abs=3 * error)


def test_sets_are_the_most_probable_classes(classifier):
    items, _ = vectors(10, seed=1)
    predictions = classifier.predict_classes(items)
    for found, prediction in zip(
        classifier.predict_sets(items, 0.95), predictions, strict=True
    ):
        assert list(found.items()) == prediction.top(3)[: len(found)]


def test_a_higher_coverage_needs_larger_sets(classifier):
    items, _ = vectors(10, seed=1)
    small, large = (classifier.predict_sets(items, c) for c in (0.7, 0.95))
    assert all(set(a) <= set(b) for a, b in zip(small, large, strict=True))
    assert sum(map(len, small)) < sum(map(len, large))


def test_a_saved_classifier_predicts_the_same_sets(classifier, tmp_path):
    classifier.save(tmp_path / "three.keras")
    loaded = keras.saving.load_model(tmp_path / "three.keras")
    items, _ = vectors(5, seed=2)
    assert loaded.predict_sets(items) == classifier.predict_sets(items)


def test_a_classifier_that_is_not_calibrated_says_how_to_calibrate(learner):
    with pytest.raises(ValueError, match=r"adapt\(\.\.\., false_reject_rate=0\.05\)"):
        learner.adapt(*vectors(4, seed=0)).predict_sets(vectors(1, seed=1)[0])


def test_a_coverage_that_the_examples_are_too_few_for(learner):
    classifier = learner.adapt(*vectors(4, seed=0), false_reject_rate=0.1)
    with pytest.raises(ValueError, match=r"at least 99 held-out examples.*are 12"):
        classifier.predict_sets(vectors(1, seed=1)[0], coverage=0.99)
