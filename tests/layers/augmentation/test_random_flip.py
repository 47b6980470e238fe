import numpy as np
import pytest

from fsl_keras.layers.augmentation import RandomFlip

PICTURE = np.arange(6, dtype="float32").reshape(1, 2, 3, 1) / 10


@pytest.mark.parametrize(
    ("mode", "axes"),
    [
        ("horizontal", [(), (2,)]),
        ("vertical", [(), (1,)]),
        ("horizontal_and_vertical", [(), (1,), (2,), (1, 2)]),
    ],
)
def test_each_mirror_image_comes_equally_often(mode, axes):
    changed = RandomFlip(mode).transform(np.tile(PICTURE, (800, 1, 1, 1)), (0, 0))
    shares = [
        (changed.numpy() == np.flip(PICTURE, axis)).all(axis=(1, 2, 3)).mean()
        for axis in axes
    ]
    np.testing.assert_allclose(shares, 1 / len(axes), atol=0.05)
    np.testing.assert_allclose(sum(shares), 1.0)
