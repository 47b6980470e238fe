import numpy as np

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import RandomElastic
from fsl_keras.layers.augmentation.random_elastic import _splines


def ramp(count, size=16):
    """Pictures whose value is the column, over 100."""
    row = np.arange(size, dtype="float32") / 100
    return np.tile(row, (count, size, 1))[..., None]


def test_without_strength_nothing_moves():
    picture = np.random.default_rng(0).random((2, 8, 9, 3), "float32")
    moved = RandomElastic(strength=0.0).transform(picture, (0, 0))
    np.testing.assert_allclose(moved, picture, atol=1e-6)


def test_the_shares_of_the_knots_are_cubic_splines():
    shares = _splines(8, 4)
    assert shares.shape == (8, 7)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    # A quarter of a cell behind the second knot: (1 - t)^3 / 6 and so on, t = 1/4.
    t = 0.25
    expected = [
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    ]
    np.testing.assert_allclose(shares[0], [*expected, 0, 0, 0], atol=1e-6)


def test_pixels_move_by_the_splines_of_the_draws():
    moved = RandomElastic(strength=2.0, cells=2).transform(ramp(1), (1, 2))
    draws = np.asarray(uniform(np.array([1, 2]), (2, 1, 5, 5)))[1, 0]
    right = 2.0 * (2.0 * _splines(16, 2) @ draws @ _splines(16, 2).T - 1.0)
    shift = (moved.numpy() - ramp(1))[0, 2:-2, 2:-2, 0] * 100
    np.testing.assert_allclose(shift, right[2:-2, 2:-2], atol=1e-3)


def test_neighbours_move_alike_and_no_farther_than_the_strength():
    moved = RandomElastic(strength=2.0).transform(ramp(32), (1, 2)).numpy()
    shift = (moved - ramp(32))[:, 3:-3, 3:-3, 0] * 100
    assert 0.5 < np.abs(shift).max() <= 2.0
    assert np.abs(np.diff(shift, axis=1)).max() < 0.8
