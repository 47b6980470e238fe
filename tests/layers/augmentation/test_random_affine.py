import keras
import numpy as np
import pytest
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import RandomAffine
from tests.checks import assert_config_round_trip


def affine(fill_value=0.0, **factors):
    """A layer of which only the given factors change anything."""
    names = ("rotation_factor", "zoom_factor", "shear_factor", "translation_factor")
    factors = {**dict.fromkeys(names, 0.0), **factors}
    return RandomAffine(fill_value=fill_value, **factors)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 9, 9, 2), "float32")


def draws(seed, count):
    """The six numbers from -1 to 1 of each picture."""
    return 2 * np.asarray(uniform(np.array(seed, "int64"), (6, count))) - 1


def test_without_strength_nothing_moves(pictures):
    moved = affine().transform(pictures, (1, 2))
    np.testing.assert_allclose(moved, pictures, atol=1e-6)


def test_a_shift_moves_no_farther_than_it_says():
    dot = np.zeros((64, 9, 9, 1), "float32")
    dot[:, 4, 4] = 1.0
    moved = affine(translation_factor=2 / 9).transform(dot, (0, 0)).numpy()
    rows, columns = np.nonzero(moved.sum((0, 3)) > 1e-3)
    assert (rows.min(), rows.max()) == (2, 6)
    assert (columns.min(), columns.max()) == (2, 6)
    # Bilinear resampling shares the ink out, and loses none.
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 1.0, atol=1e-4)


def test_a_shift_reads_so_many_pixels_on():
    # On a ramp, a shift is a change of brightness.
    ramp = np.tile(np.arange(9, dtype="float32") / 10, (5, 9, 1))[..., None]
    moved = affine(translation_factor=1 / 9).transform(ramp, (1, 2))
    right = draws((1, 2), 5)[4]
    for row in moved.numpy()[:, 4, 1:-1, 0] - ramp[:, 4, 1:-1, 0]:
        np.testing.assert_allclose(row, row[0], atol=1e-5)
    np.testing.assert_allclose(moved[:, 4, 4, 0], 0.4 + right / 10, atol=1e-5)


FIXED = [
    ({"rotation_factor": (0.25, 0.25)}, "RandomRotation", [(0.25, 0.25)]),
    ({"zoom_factor": (0.5, 0.5)}, "RandomZoom", [(0.5, 0.5), (0.5, 0.5)]),
    ({"zoom_factor": (-0.5, -0.5)}, "RandomZoom", [(-0.5, -0.5), (-0.5, -0.5)]),
    (
        {"translation_factor": (2 / 9, 2 / 9)},
        "RandomTranslation",
        [(2 / 9, 2 / 9), (2 / 9, 2 / 9)],
    ),
]


@pytest.mark.parametrize("fill_value", [0.0, 0.25])
@pytest.mark.parametrize(("factor", "name", "factors"), FIXED)
def test_factors_mean_what_they_do_in_keras(
    factor, name, factors, fill_value, pictures
):
    theirs = getattr(keras.layers, name)(
        *factors, fill_mode="constant", fill_value=fill_value
    )
    ours = affine(fill_value, **factor)
    np.testing.assert_allclose(
        ours.transform(pictures, (3, 4)), theirs(pictures, training=True), atol=1e-5
    )


def test_a_shear_displaces_a_row_by_a_fraction_of_its_distance_from_the_center():
    dots = np.zeros((1, 9, 9, 1), "float32")
    dots[0, :, 4] = 1.0
    moved = affine(shear_factor=(0.5, 0.5)).transform(dots, (0, 0)).numpy()
    np.testing.assert_allclose(moved[0, [0, 2, 4, 6], [6, 5, 4, 3], 0], 1.0, atol=1e-6)


def test_a_map_is_that_of_the_kernel_of_tensorflow(pictures):
    zoom = (np.expm1(-0.3), np.expm1(0.3))
    layer = RandomAffine(zoom_factor=zoom, translation_factor=1 / 3)
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


class TestEarlierVersions:
    """Old arguments are degrees, logarithms of the zoom, and pixels."""

    OLD = {"rotation": 15.0, "zoom": 0.15, "shear": 0.15, "shift": 2.0}

    def test_the_default_gives_characters_the_same_images_as_before(self):
        images = np.random.default_rng(0).random((9, 28, 28, 1), "float32")
        old = RandomAffine.from_config(self.OLD).transform(images, (1, 2))
        new = RandomAffine().transform(images, (1, 2))
        np.testing.assert_allclose(new, old, atol=1e-5)

    def test_a_shift_in_pixels_stays_one_in_a_file(self, pictures):
        layer = RandomAffine.from_config({**self.OLD, "shift": 1.0})
        assert_config_round_trip(layer)
        again = RandomAffine.from_config(layer.get_config())
        wanted = RandomAffine(translation_factor=1 / 9).transform(pictures, (1, 2))
        np.testing.assert_allclose(again.transform(pictures, (1, 2)), wanted, atol=1e-5)

    def test_users_are_told_the_new_names(self):
        with pytest.warns(UserWarning, match="`rotation`.*Use `rotation_factor`"):
            assert RandomAffine(rotation=90).rotation_factor == 0.25
