import numpy as np
import pytest

from fsl_keras.model_selection import calibrate, least_probability
from tests.model_selection.supports import make_learner, support_of


def test_the_order_statistic_that_bounds_the_rate():
    right = np.random.default_rng(0).permutation(np.arange(1, 100) / 100)
    # 10 % of 100 is the tenth smallest of 99.
    assert least_probability(right, 0.9) == 0.1
    assert least_probability(right, 0.99) == 0.01


def test_new_examples_are_covered_at_the_rate():
    rng = np.random.default_rng(0)
    covered = [
        rng.uniform() >= least_probability(rng.uniform(size=19), 0.9)
        for _ in range(4000)
    ]
    # Exactly 18 of 20 by theory; three standard errors.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 90])
def test_a_coverage_that_is_no_rate(coverage):
    with pytest.raises(ValueError, match=rf"between 0 and 1.*coverage={coverage}"):
        least_probability([0.5], coverage)


def test_too_few_examples_for_the_coverage():
    assert least_probability([0.5] * 9, 0.9) == 0.5
    with pytest.raises(ValueError, match=r"at least 9 held-out.*are 8.*most 0\.888"):
        least_probability([0.5] * 8, 0.9)


def test_calibration_keeps_the_probabilities_of_held_out_examples():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 4)
    vectors = 2 * np.eye(3)[labels] + rng.normal(size=(12, 3))
    support = support_of(vectors.astype("float32"), labels)
    found = calibrate(make_learner(3), support, 3, 0.1)
    right = found.right_probabilities
    assert right == sorted(right)
    assert len(right) == 12
    # Their mean negative logarithm is the log loss that the temperature minimizes.
    assert 0 < -np.mean(np.log(right)) < np.log(3)
