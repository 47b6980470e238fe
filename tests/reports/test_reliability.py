"""Calibration curves."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve as by_sklearn

from fsl_keras.reports.reliability import calibration_curve, calibration_error


def test_they_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.2, 1, 200)
    right = rng.uniform(size=200) < confidences**2
    curve = calibration_curve(confidences, right)
    accuracies, means = by_sklearn(right, confidences, n_bins=10)
    np.testing.assert_allclose([bin.accuracy for bin in curve], accuracies)
    np.testing.assert_allclose([bin.confidence for bin in curve], means)
    assert sum(bin.count for bin in curve) == 200


def test_the_error_is_weighted_by_predictions():
    # Three of probability 0.9 of which two are right, and one of 0.5 that is right.
    curve = calibration_curve(np.array([0.9, 0.9, 0.9, 0.5]), np.array([1, 1, 0, 1]))
    assert calibration_error(curve) == pytest.approx((3 * abs(0.9 - 2 / 3) + 0.5) / 4)


def test_certain_predictions_are_in_the_last_bin():
    (bin,) = calibration_curve(np.array([1.0, 0.95]), np.array([True, True]))
    assert (bin.low, bin.high, bin.count) == (0.9, 1.0, 2)


def test_no_predictions():
    assert calibration_error(calibration_curve(np.zeros(0), np.zeros(0, bool))) == 0
