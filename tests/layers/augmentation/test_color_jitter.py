import numpy as np
import pytest

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import ColorJitter

STILL = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def pictures():
    # Far enough from black and white that nothing is clipped.
    return 0.4 + 0.2 * np.random.default_rng(0).random((4, 6, 7, 3), "float32")


def draws(count, seed=(1, 2)):
    """The four numbers from -1 to 1 of each picture."""
    numbers = np.asarray(uniform(np.array(seed), (4, count)))
    return (2 * numbers - 1)[..., None, None, None]


def changed(pictures, **strengths):
    return ColorJitter(**{**STILL, **strengths}).transform(pictures, (1, 2)).numpy()


def test_without_strength_nothing_changes(pictures):
    np.testing.assert_allclose(changed(pictures), pictures, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_is_added(pictures, channels):
    pictures = pictures[..., :channels]
    expected = pictures + 0.3 * draws(4)[0]
    np.testing.assert_allclose(changed(pictures, brightness=0.3), expected, atol=1e-6)


@pytest.mark.parametrize(("channels", "luma"), [(1, [1.0]), (3, LUMA)])
def test_contrast_is_the_distance_from_the_mean_brightness(pictures, channels, luma):
    pictures = pictures[..., :channels]
    mean = np.mean(pictures @ luma, axis=(1, 2))[:, None, None, None]
    expected = mean + (1 + 0.5 * draws(4)[1]) * (pictures - mean)
    np.testing.assert_allclose(changed(pictures, contrast=0.5), expected, atol=1e-6)


def test_saturation_is_the_distance_from_grey(pictures):
    grey = (pictures @ LUMA)[..., None]
    expected = grey + (1 + draws(4)[2]) * (pictures - grey)
    np.testing.assert_allclose(changed(pictures, saturation=1.0), expected, atol=2e-3)


def test_hue_turns_colours_and_keeps_their_brightness(pictures):
    turned = changed(pictures, hue=0.5)
    np.testing.assert_allclose(turned @ LUMA, pictures @ LUMA, atol=1e-3)
    assert np.abs(turned - pictures).max() > 0.05
    # In the plane of colours, the angle is the one drawn and the radius stays.
    plane = np.array([[0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    before, after = (p @ plane.T @ [1, 1j] for p in (pictures, turned))
    angle = np.pi * draws(4)[3, ..., 0]
    np.testing.assert_allclose(after, before * np.exp(1j * angle), atol=1e-5)


def test_greys_of_rgb_pictures_have_no_hue(pictures):
    grey = np.tile(pictures[..., :1], 3)
    np.testing.assert_allclose(changed(grey, hue=0.5, saturation=1.0), grey, atol=1e-3)


def test_other_numbers_of_channels_are_refused(pictures):
    with pytest.raises(ValueError, match="2 channels"):
        ColorJitter().transform(pictures[..., :2], (0, 0))
