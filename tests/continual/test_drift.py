"""Prototypes follow the embeddings near them."""

import numpy as np
import pytest

from fsl_keras.continual import compensate_drift


def test_the_mean_displacement_is_weighted_by_distance():
    # The second example is 1 away: its weight is exp(-1 / (2 sigma^2)) = 1/3.
    sigma = np.sqrt(1 / (2 * np.log(3)))
    before, after = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[4.0, 0], [1, 8]])
    found = compensate_drift([[0.0, 0.0]], before, after, sigma)
    np.testing.assert_allclose(found, [[0.75 * 4.0, 0.25 * 8.0]])


def test_a_displacement_of_all_examples_is_that_of_all_prototypes():
    rng = np.random.default_rng(0)
    before, prototypes = rng.normal(size=(9, 5)), rng.normal(size=(4, 5))
    shift = rng.normal(size=5)
    found = compensate_drift(prototypes, before, before + shift)
    np.testing.assert_allclose(found, prototypes + shift)


def test_a_prototype_far_from_all_examples_moves_with_the_nearest():
    before, after = np.array([[0.0], [1.0]]), np.array([[0.0], [3.0]])
    found = compensate_drift([[1e4]], before, after)
    np.testing.assert_allclose(found, [[1e4 + 2]])


def test_no_displacement():
    before = np.random.default_rng(0).normal(size=(3, 2))
    np.testing.assert_array_equal(compensate_drift(before, before, before), before)


class TestErrors:
    def test_shapes(self):
        with pytest.raises(ValueError, match=r"shapes \(1, 2\), \(3, 2\) and \(4, 2\)"):
            compensate_drift(np.zeros((1, 2)), np.zeros((3, 2)), np.zeros((4, 2)))
        with pytest.raises(ValueError, match=r"shapes \(1, 2\), \(3, 5\) and \(3, 5\)"):
            compensate_drift(np.zeros((1, 2)), np.zeros((3, 5)), np.zeros((3, 5)))

    def test_no_example(self):
        with pytest.raises(ValueError, match="`before` is empty"):
            compensate_drift(np.zeros((1, 2)), np.zeros((0, 2)), np.zeros((0, 2)))

    @pytest.mark.parametrize("sigma", [0, -1.0])
    def test_sigma(self, sigma):
        one = np.zeros((1, 2))
        with pytest.raises(ValueError, match=f"above 0. Received: sigma={sigma}"):
            compensate_drift(one, one, one, sigma)
