"""Temperature scaling, the threshold of "unknown", and how both are evaluated."""

import math

import keras
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.metrics
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.model_selection import calibrate, calibrate_on_base_classes
from fsl_keras.model_selection.calibration import (
    Calibration,
    auroc,
    fit,
    is_known,
    least_logit,
    temperature_of,
)
from tests.model_selection.supports import make_learner, support_of


def blobs(classes, shots, spread=0.5, seed=0, size=6):
    """Classes around the corners of a simplex, as vectors and numbers."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), shots)
    values = 2 * np.eye(size)[labels] + spread * rng.normal(size=(len(labels), size))
    return values.astype("float32"), labels


@pytest.fixture(scope="module")
def found():
    return calibrate(make_learner(6), support_of(*blobs(4, 6)), 4, 0.1)


class TestThreshold:
    def test_is_the_order_statistic_that_bounds_the_rate(self):
        largest = np.random.default_rng(0).permutation(np.arange(99.0))
        # 5 % of 100 is the fifth smallest of 99.
        assert least_logit(largest, 0.05) == 4.0
        assert least_logit(largest, 0.01) == 0.0
        assert least_logit(largest, 0.009) is None

    def test_rejects_at_most_the_rate_of_new_examples(self):
        rng = np.random.default_rng(0)
        below = [
            rng.normal() < least_logit(rng.normal(size=19), 0.1) for _ in range(4000)
        ]
        # Exactly 2 of 20 by theory; three standard errors.
        assert np.mean(below) == pytest.approx(0.1, abs=0.015)

    def test_without_a_threshold_nothing_is_rejected(self):
        assert is_known(np.array([[-1e6, -2e6]]), None).all()


class TestTemperature:
    def test_finds_the_one_that_logits_were_scaled_by(self):
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(20000, 3))
        powers = np.exp(logits)
        draws = rng.random((20000, 1)) > (powers / powers.sum(1, keepdims=True)).cumsum(
            1
        )
        labels = draws.sum(axis=1)
        found = fit(7 * logits, labels, 0.05)
        assert found.temperature == pytest.approx(7, rel=0.05)

    @pytest.mark.parametrize(("scale", "seed"), [(0.1, 0), (1, 1), (30, 2)])
    def test_is_the_minimum_that_scipy_finds(self, scale, seed):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 4, 50)
        logits = scale * (np.eye(4)[labels] + rng.normal(size=(50, 4)))
        targets = np.full((50, 4), 1 / 52 / 4)
        targets[np.arange(50), labels] += 51 / 52

        def loss(inverse):
            return -(targets * scipy.special.log_softmax(inverse * logits, -1)).sum()

        best = scipy.optimize.minimize_scalar(
            loss, bounds=(1e-4, 1e4 / scale), options={"xatol": 1e-9}
        )
        assert temperature_of(logits, labels) == pytest.approx(1 / best.x, rel=1e-3)

    def test_a_few_right_answers_are_no_certainty(self):
        logits = np.array([[3.0, 0], [3, 0], [0, 3], [0, 3]])
        found = fit(logits, np.array([0, 0, 1, 1]), 0.25)
        # (n + 1) / (n + 2) sure of the right one, and half of the rest.
        wanted = 5 / 6 + 1 / 12
        sure = 1 / (1 + math.exp(-3 / found.temperature))
        assert sure == pytest.approx(wanted, abs=1e-4)

    def test_absent_classes_take_no_part(self):
        logits = np.array([[2.0, 0, -1e9], [0, 1, -1e9], [1, 0, -1e9]])
        with_absent = fit(logits, np.array([0, 1, 1]), 0.3)
        without = fit(logits[:, :2], np.array([0, 1, 1]), 0.3)
        assert with_absent.temperature == pytest.approx(without.temperature, rel=1e-6)

    def test_a_single_class_has_none(self):
        assert fit(np.array([[-3.0], [-5.0]]), np.array([0, 0]), 0.4).temperature == 1


@pytest.mark.parametrize("decimals", [1, 8])
def test_auroc_is_that_of_scikit_learn(decimals):
    rng = np.random.default_rng(0)
    known = (1 + rng.normal(size=40)).round(decimals)  # one decimal gives ties
    unknown = rng.normal(size=70).round(decimals)
    right = np.repeat([1, 0], [40, 70])
    expected = sklearn.metrics.roc_auc_score(right, np.concatenate([known, unknown]))
    assert auroc(known, unknown) == pytest.approx(expected, abs=1e-12)


def test_auroc_counts_pairs():
    assert auroc(np.array([2.0, 3]), np.array([0.0, 1])) == 1
    assert auroc(np.array([0.0, 3]), np.array([1.0, 2])) == 0.5
    assert auroc(np.array([1.0, 1]), np.array([1.0])) == 0.5


@pytest.mark.parametrize("rate", [0, 1, -0.1, 5])
def test_a_rate_that_is_not_between_0_and_1_is_refused(rate):
    with pytest.raises(ValueError, match=r"such as 0\.05"):
        fit(np.zeros((3, 2)), np.zeros(3, int), rate)


class TestCalibrate:
    def test_rejects_about_the_given_rate(self, found):
        rejected, total = found.false_rejects
        assert total == 24
        assert rejected <= 5
        assert found.least_logit is not None

    def test_rejects_most_examples_of_unseen_classes(self, found):
        accepted, total = found.false_accepts
        assert total == 24
        assert accepted <= 12
        assert found.auroc > 0.8

    def test_names_its_examples_and_method(self, found):
        assert found.source == "nested leave-one-out of 24 examples"
        assert "false rejects" in str(found)
        assert "AUROC" in str(found)

    def test_estimates_hold_on_new_examples(self):
        model = make_learner(6)
        values, labels = blobs(4, 6, spread=0.9)
        found = calibrate(model, support_of(values, labels), 4, 0.1)
        classifier = model.adapt(values, labels, false_reject_rate=0.1)
        assert classifier.calibration == found
        new, right = blobs(4, 500, spread=0.9, seed=1)
        answers = classifier.predict_classes(new)
        rejected = np.mean([a.class_name == "unknown" for a in answers])
        assert rejected < 0.2
        others, _ = blobs(6, 200, spread=0.9, seed=2)
        answers = classifier.predict_classes(others[800:])
        accepted = np.mean([a.class_name != "unknown" for a in answers])
        count, total = found.false_accepts
        assert accepted == pytest.approx(count / total, abs=0.25)
        probabilities = classifier.predict(new, verbose=0)
        loss = -np.log(probabilities[np.arange(len(new)), right]).mean()
        assert loss == pytest.approx(found.log_losses[1], abs=0.15)

    def test_the_log_loss_decreases(self):
        values, labels = blobs(4, 6, spread=1.5)
        found = calibrate(make_learner(6), support_of(values, labels), 4, 0.1)
        before, after = found.log_losses
        assert after < before

    def test_false_accepts_are_counted_on_negatives(self):
        values, labels = blobs(3, 5)
        negatives = np.concatenate([values[:1], -9 + np.zeros((3, 6), "float32")])
        found = calibrate(
            make_learner(6), support_of(values, labels), 3, 0.1, negatives
        )
        # The first is an example of a class.
        assert found.false_accepts == (1, 4)
        assert found.auroc == pytest.approx(0.75, abs=0.25)

    def test_a_single_class_rejects_what_is_far_from_it(self):
        values, labels = blobs(1, 12, spread=0.3)
        classifier = make_learner(6).adapt(values, labels, false_reject_rate=0.1)
        assert classifier.calibration.false_accepts == (0, 0)
        far = classifier.predict_classes(values[:1] + 30)
        near = classifier.predict_classes(values.mean(axis=0, keepdims=True))
        assert [a.class_name for a in [*far, *near]] == ["unknown", "0"]

    def test_too_few_examples_reject_nothing(self):
        found = calibrate(make_learner(6), support_of(*blobs(2, 3)), 2, 0.05)
        assert found.least_logit is None
        assert 'no "unknown"' in str(found)

    def test_more_examples_are_divided_into_folds(self):
        found = calibrate(make_learner(6), support_of(*blobs(5, 4)), 5, 0.2, n_splits=4)
        assert found.source == "nested 4-fold cross-validation of 20 examples"
        assert found.false_rejects[1] == found.false_accepts[1] == 20


class TestOneShot:
    def test_is_refused_without_base_calibration(self):
        with pytest.raises(ValueError, match="base_calibration"):
            make_learner(6).adapt(*blobs(3, 1), false_reject_rate=0.1)

    def test_episodes_is_the_old_name_of_count(self):
        base = fsl.ClassDataset.from_arrays(*blobs(4, 6), name="base")
        with pytest.warns(UserWarning, match="`episodes` .*deprecated. Use `count`"):
            found = calibrate_on_base_classes(
                make_learner(6), base, ways=2, queries=2, episodes=3
            )
        assert found.examples == (12, 12)

    def test_uses_the_base_calibration(self):
        base = fsl.ClassDataset.from_arrays(*blobs(6, 20), name="base")
        model = make_learner(6)
        model.base_calibration = calibrate_on_base_classes(
            model, base, ways=3, queries=5, count=40
        )
        found = model.adapt(*blobs(3, 1), false_reject_rate=0.1).calibration
        assert found.source == "base, 40 episodes of 3-way 1-shot, seed 0"
        assert found.temperature == model.base_calibration.temperature
        assert found.false_rejects == (60, 600)
        accepted, total = found.false_accepts
        assert total == 600
        assert accepted < 300
        assert found.auroc > 0.8
        # A tenth of the known examples of new episodes fall below it.
        stream = base.episodes(3, 1, 10, seed=9, count=100)
        largest = np.concatenate(
            [np.asarray(model(x)).max(-1).ravel() for x, _ in stream]
        )
        assert np.mean(largest < found.least_logit) == pytest.approx(0.1, abs=0.05)


class TestSaving:
    def test_a_calibration_is_saved_with_the_classifier(self, tmp_path):
        values, labels = blobs(3, 6)
        classifier = make_learner(6).adapt(values, labels, false_reject_rate=0.1)
        classifier.save(tmp_path / "a.keras")
        again = keras.saving.load_model(tmp_path / "a.keras")
        assert again.calibration == classifier.calibration
        items = np.concatenate([values, 20 + values])
        answers = [c.predict_classes(items) for c in (classifier, again)]
        assert answers[0] == answers[1]
        assert {a.class_name for a in answers[0]} >= {"unknown", "0"}

    def test_an_exported_model_rejects_the_same_items(self, tmp_path):
        values, labels = blobs(3, 6)
        classifier = make_learner(6).adapt(values, labels, false_reject_rate=0.1)
        classifier.export(tmp_path / "a")
        items = np.concatenate([values, 20 + values])
        exported = tf.saved_model.load(str(tmp_path / "a"))
        served = exported.serve(items)
        named = [name.decode() for name in served["class_name"].numpy()]
        answers = classifier.predict_classes(items)
        assert named == [a.class_name for a in answers]
        np.testing.assert_allclose(
            served["probabilities"].numpy().max(axis=-1),
            [a.probability for a in answers],
            rtol=1e-5,
        )


def test_a_calibration_prints_its_evaluation():
    text = str(Calibration(2.0, 1.0, 0.05, "x", (1, 20), (3, 30), 0.9, (0.8, 0.5)))
    assert text == (
        "Calibrated by x; false rejects 5.0 % (0.9 to 23.6, 20 examples); false "
        "accepts 10.0 % (3.5 to 25.6, 30 examples); AUROC of unknown classes 0.900; "
        "log loss 0.500, 0.800 uncalibrated"
    )
