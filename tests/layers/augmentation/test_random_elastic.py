import numpy as np

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import RandomElastic
from fsl_keras.layers.augmentation.random_elastic import _splines
from tests.checks import assert_config_round_trip


def ramp(count, size=16):
    """Pictures whose value is the column, over 100."""
    row = np.arange(size, dtype="float32") / 100
    return np.tile(row, (count, size, 1))[..., None]


def test_without_displacement_nothing_moves():
    picture = np.random.default_rng(0).random((2, 8, 9, 3), "float32")
    moved = RandomElastic(displacement_factor=0.0).transform(picture, (0, 0))
    np.testing.assert_allclose(moved, picture, atol=1e-6)


def test_the_weights_of_the_knots_are_cubic_splines():
    weights = _splines(8, 4)
    assert weights.shape == (8, 7)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    # A quarter of a cell behind the second knot: (1 - t)^3 / 6 and so on, t = 1/4.
    t = 0.25
    expected = [
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    ]
    np.testing.assert_allclose(weights[0], [*expected, 0, 0, 0], atol=1e-6)


def test_pixels_move_by_the_splines_of_the_draws():
    moved = RandomElastic(displacement_factor=2 / 16, cells=2).transform(
        ramp(1), (1, 2)
    )
    draws = np.asarray(uniform(np.array([1, 2]), (2, 1, 5, 5)))[1, 0]
    right = 2.0 * (2.0 * _splines(16, 2) @ draws @ _splines(16, 2).T - 1.0)
    shift = (moved.numpy() - ramp(1))[0, 2:-2, 2:-2, 0] * 100
    np.testing.assert_allclose(shift, right[2:-2, 2:-2], atol=1e-3)


def test_neighbours_move_alike_and_no_farther_than_the_displacement():
    moved = (
        RandomElastic(displacement_factor=2 / 16).transform(ramp(32), (1, 2)).numpy()
    )
    shift = (moved - ramp(32))[:, 3:-3, 3:-3, 0] * 100
    assert 0.5 < np.abs(shift).max() <= 2.0
    assert np.abs(np.diff(shift, axis=1)).max() < 0.8


def test_points_from_outside_have_the_fill_value():
    black = np.zeros((8, 9, 9, 1), "float32")
    filled = RandomElastic(0.5, fill_value=0.5).transform(black, (1, 2)).numpy()
    assert filled[:, 3:-3, 3:-3].max() < 1e-6
    assert 0.4 < filled.max() <= 0.5


def test_a_strength_in_pixels_of_earlier_versions_stays_one_in_a_file():
    layer = RandomElastic.from_config({"strength": 2.0})
    assert_config_round_trip(layer)
    again = RandomElastic.from_config(layer.get_config())
    wanted = RandomElastic(displacement_factor=2 / 16).transform(ramp(3), (1, 2))
    np.testing.assert_allclose(again.transform(ramp(3), (1, 2)), wanted, atol=1e-6)
