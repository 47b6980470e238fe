import numpy as np
import pytest

from fsl_keras.losses import BarlowTwinsLoss
from tests.checks import assert_config_round_trip


def reference(a, b, weight):
    """The formula of the paper, one pair of dimensions at a time."""
    a = (a - a.mean(0)) / a.std(0)
    b = (b - b.mean(0)) / b.std(0)
    total = 0.0
    for i in range(a.shape[1]):
        for j in range(a.shape[1]):
            correlation = np.mean(a[:, i] * b[:, j])
            total += (1 - correlation) ** 2 if i == j else weight * correlation**2
    return total


def test_by_hand():
    # Equal columns: correlations of 1 everywhere, two of them off the diagonal.
    views = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert float(BarlowTwinsLoss(0.25)(views, views)) == pytest.approx(0.5)
    # The second view is the opposite: four correlations of -1.
    assert float(BarlowTwinsLoss(0.25)(views, -views)) == pytest.approx(2 * 4 + 0.5)


@pytest.mark.parametrize("weight", [0.0, 0.005, 1.0])
def test_random_batches(weight):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(16, 6))
    b = a + rng.normal(size=(16, 6))
    assert float(BarlowTwinsLoss(weight)(a, b)) == pytest.approx(
        reference(a, b, weight), rel=1e-4
    )


def test_scales_and_offsets_of_dimensions_do_not_matter():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 32, 4))
    loss = BarlowTwinsLoss()
    other = loss(3 * a + 1, b * [1.0, 2.0, 3.0, 4.0])
    assert float(other) == pytest.approx(float(loss(a, b)), rel=1e-4)


def test_constant_embeddings_have_the_loss_of_no_correlation():
    constant = np.ones((8, 5))
    assert float(BarlowTwinsLoss()(constant, constant)) == pytest.approx(5.0)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="redundancy_weight=-1"):
        BarlowTwinsLoss(-1)


def test_configuration():
    assert_config_round_trip(BarlowTwinsLoss(0.25))
