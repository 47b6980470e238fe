import numpy as np

from fsl_keras.losses import OneHotSquaredError
from tests.checks import assert_config_round_trip

# Sigmoids of 3/4, 1/2 and 1/4.
SCORES = np.array([[[np.log(3), 0, -np.log(3)], [np.log(3), 0, -np.log(3)]]])


def test_by_hand():
    # Label 0: 1/16 + 1/4 + 1/16; label 2: 9/16 + 1/4 + 9/16.
    labels = np.array([[0, 2]])
    each = OneHotSquaredError(reduction=None)(labels, SCORES)
    np.testing.assert_allclose(each, [[0.375, 1.375]], rtol=1e-6)
    np.testing.assert_allclose(OneHotSquaredError()(labels, SCORES), 0.875, rtol=1e-6)


def test_padding_does_not_count():
    loss = OneHotSquaredError()(np.array([[2, 0]]), SCORES, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(loss, 1.375, rtol=1e-6)


def test_a_class_that_takes_no_part_adds_nothing():
    wide = np.pad(SCORES, [(0, 0), (0, 0), (0, 2)], constant_values=-1e9)
    labels = np.array([[0, 2]])
    np.testing.assert_allclose(
        OneHotSquaredError()(labels, wide), OneHotSquaredError()(labels, SCORES)
    )


def test_configuration():
    assert_config_round_trip(OneHotSquaredError(reduction="sum", name="error"))
