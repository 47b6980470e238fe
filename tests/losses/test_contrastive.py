import numpy as np
import pytest

from fsl_keras.losses import ContrastiveLoss
from tests.checks import assert_config_round_trip


def test_by_hand():
    # Half of .5², of (2 - .5)², of 3², and nothing beyond the margin.
    same, distances = np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 3.0, 3.0])
    expected = np.array([0.25, 2.25, 9.0, 0.0]) / 2
    each = ContrastiveLoss(margin=2.0, reduction=None)
    np.testing.assert_allclose(each(same, distances), expected)
    np.testing.assert_allclose(each(same, distances[:, None]), expected)
    np.testing.assert_allclose(each(same[:, None], distances[:, None]), expected)
    mean = ContrastiveLoss(margin=2.0)(same, distances)
    np.testing.assert_allclose(mean, expected.mean())


def test_sample_weights():
    loss = ContrastiveLoss()(np.ones(2), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(loss, (0.5 + 0) / 2)


def test_configuration():
    assert_config_round_trip(ContrastiveLoss(margin=0.3, reduction="sum", name="c"))


def test_a_margin_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"`margin` must be positive.*margin=0"):
        ContrastiveLoss(margin=0)
