import numpy as np

from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.training import augmentation


def test_characters_are_turned_and_shifted():
    assert isinstance(augmentation((28, 28, 1)), RandomAffine)


def test_photographs_are_mirrored_and_changed_in_colour_and_nothing_is_black_beside():
    layer = augmentation((84, 84, 3))
    left_is_white = np.zeros((64, 84, 84, 3), "float32")
    left_is_white[:, :, :42] = 1.0
    changed = layer.transform(left_is_white, (7, 0)).numpy()
    mirrored = changed[:, 42, 83].mean(axis=-1) > 0.5
    assert 16 < mirrored.sum() < 48
    white = np.full((64, 84, 84, 3), 0.8, "float32")
    changed = layer.transform(white, (7, 0)).numpy()
    # A picture of one colour stays one, whatever part of it is shown.
    first = changed[:, :1, :1].repeat(84, 1).repeat(84, 2)
    np.testing.assert_allclose(changed, first, rtol=1e-5)
    assert changed[:, 0, 0].std(axis=0).min() > 0.05
