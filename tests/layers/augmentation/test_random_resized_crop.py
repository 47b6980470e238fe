import keras
import numpy as np
import pytest

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import (
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
)


def ramps(count):
    """Pictures whose channels are row and column, over 100."""
    rows, columns = np.mgrid[0:16, 0:16].astype("float32") / 100
    return np.tile(np.stack([rows, columns], axis=-1), (count, 1, 1, 1))


def test_the_whole_picture_is_the_picture():
    picture = np.random.default_rng(0).random((3, 8, 9, 3), "float32")
    layer = RandomResizedCrop(scale=(1.0, 1.0), ratio=(1.0, 1.0))
    np.testing.assert_allclose(layer.transform(picture, (0, 0)), picture, atol=1e-6)


def test_a_quarter_is_half_as_wide_and_lies_where_it_was_drawn():
    layer = RandomResizedCrop(scale=(0.25, 0.25), ratio=(1.0, 1.0))
    changed = layer.transform(ramps(5), (1, 2)).numpy()
    # Half a pixel a pixel.
    steps = np.diff(changed[:, 2:-2, 8, 0], axis=1)
    np.testing.assert_allclose(steps, 0.005, atol=1e-6)
    places = np.asarray(uniform(np.array([1, 2]), (4, 5)))[2:]
    first = 8 * places + (8 + 0.5) / 2 - 0.5  # of the middle
    np.testing.assert_allclose(changed[:, 8, 8] * 100, first.T, atol=1e-4)


def test_area_and_ratio_stay_in_their_ranges():
    layer = RandomResizedCrop(scale=(0.3, 0.6), ratio=(0.5, 2.0))
    changed = layer.transform(ramps(200), (0, 0)).numpy() * 100
    tall = changed[:, 9, 8, 0] - changed[:, 8, 8, 0]
    wide = changed[:, 8, 9, 1] - changed[:, 8, 8, 1]
    area, ratio = tall * wide, wide / tall
    assert 0.29 < area.min() < 0.33
    assert 0.57 < area.max() < 0.61
    assert 0.45 < ratio.min() < 0.6
    assert 1.7 < ratio.max() < 2.1


def test_nothing_from_outside_comes_in():
    white = np.ones((50, 9, 9, 1), "float32")
    changed = RandomResizedCrop(scale=(0.1, 1.0)).transform(white, (0, 0))
    np.testing.assert_allclose(changed, white, atol=1e-5)


def test_smaller_pictures_of_the_whole():
    layer = RandomResizedCrop(scale=(1.0, 1.0), ratio=(1.0, 1.0), size=(4, 8))
    changed = layer.transform(ramps(2)[None], (0, 0)).numpy()
    assert changed.shape == (1, 2, 4, 8, 2)
    # Every fourth row, read in the middle of four, and every second column.
    np.testing.assert_allclose(
        changed[0, 0, :, 0, 0] * 100, [1.5, 5.5, 9.5, 13.5], rtol=1e-5
    )
    np.testing.assert_allclose(
        changed[0, 0, 0, :, 1] * 100, np.arange(0.5, 16, 2), rtol=1e-5
    )


def test_a_model_scales_whole_pictures_when_it_does_not_train():
    crop = RandomResizedCrop(size=(8, 4), seed=0)
    model = keras.Sequential([keras.Input((16, 16, 2)), crop])
    assert model.output_shape == (None, 8, 4, 2)
    assert model(ramps(3), training=True).shape == (3, 8, 4, 2)
    whole = model(ramps(3), training=False).numpy()
    np.testing.assert_allclose(
        whole[0, :, 0, 0] * 100, np.arange(0.5, 16, 2), rtol=1e-5
    )
    assert model(ramps(3), training=False).shape == (3, 8, 4, 2)


def test_layers_after_a_crop_know_its_size():
    layers = [RandomResizedCrop(size=(8, 4)), RandomFlip()]
    layer = SequentialAugmentation(layers)
    assert layer.compute_output_shape((None, 16, 16, 2)) == (None, 8, 4, 2)
    assert layer.transform(ramps(3), (0, 0)).shape == (3, 8, 4, 2)
    assert layer(ramps(3), training=False).shape == (3, 8, 4, 2)


@pytest.mark.parametrize("size", [(8,), (8, 0)])
def test_a_size_that_is_none(size):
    with pytest.raises(ValueError, match="pair of positive integers"):
        RandomResizedCrop(size=size)
