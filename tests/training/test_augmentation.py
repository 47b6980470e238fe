import numpy as np

from fsl_keras.layers.augmentation import RandomAffine, RandomElastic
from fsl_keras.training.augmentation import augmentation, views


def test_characters_are_rotated_and_shifted_by_a_fraction_of_their_size():
    layer = augmentation((56, 56, 1))
    assert isinstance(layer, RandomAffine)
    assert layer.translation_factor == 1 / 14


def test_photographs_are_mirrored_and_change_color_without_black_borders():
    layer = augmentation((84, 84, 3))
    left_is_white = np.zeros((64, 84, 84, 3), "float32")
    left_is_white[:, :, :42] = 1.0
    changed = layer.transform(left_is_white, (7, 0)).numpy()
    mirrored = changed[:, 42, 83].mean(axis=-1) > 0.5
    assert 16 < mirrored.sum() < 48
    white = np.full((64, 84, 84, 3), 0.8, "float32")
    changed = layer.transform(white, (7, 0)).numpy()
    # An image of one color stays one, whatever crop of it is shown.
    first = changed[:, :1, :1].repeat(84, 1).repeat(84, 2)
    np.testing.assert_allclose(changed, first, rtol=1e-5)
    assert changed[:, 0, 0].std(axis=0).min() > 0.05


def test_crops_smaller_than_the_photographs():
    layer = augmentation((84, 84, 3), crop_size=60)
    assert layer.transform(np.ones((2, 84, 84, 3)), (7, 0)).shape == (2, 60, 60, 3)


def test_views_of_characters_differ_more_and_are_deformed():
    affine, elastic = views((28, 28, 1)).layers
    layer = augmentation((28, 28, 1))
    assert isinstance(elastic, RandomElastic)
    for name in ("rotation_factor", "shear_factor", "translation_factor"):
        assert getattr(affine, name) > getattr(layer, name)


def test_views_of_photographs_are_crops_as_in_training_with_labels():
    layer = views((84, 84, 3), crop_size=60)
    images = np.random.default_rng(0).random((2, 84, 84, 3), "float32")
    expected = augmentation((84, 84, 3), 60).transform(images, (7, 0))
    np.testing.assert_array_equal(layer.transform(images, (7, 0)), expected)
