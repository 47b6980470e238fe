import numpy as np

from fsl_keras.layers.augmentation import RandomErasing


def erased(count=100, shape=(8, 8, 3), **arguments):
    """Where white pictures lost something, bool `[count, H, W]`."""
    white = np.ones((count, *shape), "float32")
    changed = RandomErasing(**arguments).transform(white, (0, 0)).numpy()
    assert (changed == changed[..., :1]).all()
    return changed[..., 0] == 0.0


def test_a_quarter_of_the_picture_is_a_square_of_half_its_side():
    lost = erased(400, rate=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))
    assert (lost.sum(axis=(1, 2)) == 16).all()
    assert (lost.any(axis=1).sum(axis=1) == 4).all()
    # The rectangle may lie anywhere.
    assert lost.any(axis=0).all()
    assert len(np.unique(lost.argmax(axis=1).max(axis=1))) == 5


def test_it_is_a_rectangle_in_the_range_of_areas_and_ratios():
    lost = erased(200, (40, 40, 1), rate=1.0, scale=(0.1, 0.2), ratio=(0.5, 2.0))
    tall, wide = lost.any(axis=2).sum(axis=1), lost.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(lost.sum(axis=(1, 2)), tall * wide)
    area, ratio = tall * wide / 1600, tall / wide
    assert 0.09 < area.min() < 0.12
    assert 0.18 < area.max() < 0.21
    assert 0.45 < ratio.min() < 0.6
    assert 1.7 < ratio.max() < 2.2


def test_a_rate_of_pictures_loses_something():
    assert not erased(rate=0.0).any()
    assert 0.4 < erased(400, rate=0.5).any(axis=(1, 2)).mean() < 0.6


def test_a_rectangle_that_is_too_high_is_cut_off():
    lost = erased(rate=1.0, scale=(1.0, 1.0), ratio=(4.0, 4.0))
    assert (lost.any(axis=2).sum(axis=1) == 8).all()
    assert (lost.any(axis=1).sum(axis=1) == 4).all()


def test_the_rectangle_has_the_fill_value():
    layer = RandomErasing(rate=1.0, scale=(1.0, 1.0), ratio=(1.0, 1.0), fill_value=0.25)
    changed = layer.transform(np.ones((1, 4, 4, 1), "float32"), (0, 0))
    np.testing.assert_array_equal(changed, np.full((1, 4, 4, 1), 0.25))
