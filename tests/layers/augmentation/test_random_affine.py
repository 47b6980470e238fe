import numpy as np
import pytest
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import RandomAffine

STILL = {"rotation": 0.0, "zoom": 0.0, "shear": 0.0, "shift": 0.0}


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 9, 9, 2), "float32")


def draws(seed, count):
    """The six numbers from -1 to 1 of each picture."""
    return 2 * np.asarray(uniform(np.array(seed, "int64"), (6, count))) - 1


def test_without_strength_nothing_moves(pictures):
    moved = RandomAffine(**STILL).transform(pictures, (1, 2))
    np.testing.assert_allclose(moved, pictures, atol=1e-6)


def test_a_shift_moves_no_farther_than_it_says():
    dot = np.zeros((64, 9, 9, 1), "float32")
    dot[:, 4, 4] = 1.0
    moved = RandomAffine(**{**STILL, "shift": 2.0}).transform(dot, (0, 0)).numpy()
    rows, columns = np.nonzero(moved.sum((0, 3)) > 1e-3)
    assert (rows.min(), rows.max()) == (2, 6)
    assert (columns.min(), columns.max()) == (2, 6)
    # Bilinear resampling shares the ink out, and loses none.
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 1.0, atol=1e-4)


def test_a_shift_reads_so_many_pixels_on():
    # On a ramp, a shift is a change of brightness.
    ramp = np.tile(np.arange(9, dtype="float32") / 10, (5, 9, 1))[..., None]
    moved = RandomAffine(**{**STILL, "shift": 1.0}).transform(ramp, (1, 2))
    right = draws((1, 2), 5)[4]
    for row in moved.numpy()[:, 4, 1:-1, 0] - ramp[:, 4, 1:-1, 0]:
        np.testing.assert_allclose(row, row[0], atol=1e-5)
    np.testing.assert_allclose(moved[:, 4, 4, 0], 0.4 + right / 10, atol=1e-5)


def test_a_turn_of_a_quarter(pictures):
    # The first picture is turned by exactly 90 degrees.
    rotation = 90 / draws((3, 4), 3)[0, 0]
    sign, rotation = np.sign(rotation), abs(rotation)
    layer = RandomAffine(**{**STILL, "rotation": rotation})
    moved = layer.transform(pictures, (3, 4))
    np.testing.assert_allclose(moved[0], np.rot90(pictures[0], sign), atol=1e-4)
    np.testing.assert_allclose(moved[:, 4, 4], pictures[:, 4, 4], atol=1e-5)


def test_a_map_is_that_of_the_kernel_of_tensorflow(pictures):
    layer = RandomAffine(zoom=0.3, shift=3.0)
    turn, tall, wide, slope, right, down = draws((5, 6), 3)
    cosine, sine = np.cos(turn * np.pi / 12), np.sin(turn * np.pi / 12)
    zooms = np.exp(0.3 * np.stack([wide, tall], axis=-1))
    ones, zeros = np.ones(3), np.zeros(3)
    rotations = np.array([[cosine, -sine], [sine, cosine]]).transpose(2, 0, 1)
    shears = np.array([[ones, 0.15 * slope], [zeros, ones]]).transpose(2, 0, 1)
    matrices = rotations @ shears * zooms[:, None]
    offsets = 4 - matrices @ [4, 4] + 3 * np.stack([right, down], axis=-1)
    maps = np.concatenate([matrices, offsets[..., None]], axis=-1).reshape(3, 6)
    maps = np.pad(maps, ((0, 0), (0, 2))).astype("float32")
    expected = ops.image.affine_transform(pictures, maps, "bilinear", "constant", 0.0)
    np.testing.assert_allclose(layer.transform(pictures, (5, 6)), expected, atol=1e-5)
