import itertools

import numpy as np
import pytest
from keras import ops

from fsl_keras.layers import AffineViews
from tests.checks import assert_config_round_trip, assert_symbolic_shape

STILL = {
    "rotation_factor": 0.0,
    "zoom_factor": 0.0,
    "shear_factor": 0.0,
    "translation_factor": 0.0,
}


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((2, 9, 9, 2), "float32")


def views(pictures, **numbers):
    """The views `[B, views, H, W, C]`."""
    layer = AffineViews(**{**STILL, **numbers})
    return np.asarray(layer(pictures)).reshape(len(pictures), -1, *pictures.shape[1:])


def test_the_first_view_is_the_picture(pictures):
    np.testing.assert_allclose(
        views(pictures, rotation_factor=0.03)[:, 0], pictures, atol=1e-6
    )


def test_four_views_are_turned_to_either_side(pictures):
    found = views(pictures, rotation_factor=0.25)
    left, right = (np.rot90(pictures, k, axes=(1, 2)) for k in (1, -1))
    for view in range(1, 5):
        np.testing.assert_allclose(found[:, view], right, atol=1e-5)
        np.testing.assert_allclose(found[:, view + 4], left, atol=1e-5)


def test_shifts_go_to_all_corners_and_find_nothing_outside(pictures):
    found = views(pictures, translation_factor=1 / 9)
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corners = [wide[:, y : y + 9, x : x + 9] for x in (0, 2) for y in (0, 2)]
    for view, corner in enumerate([*corners, *corners], start=1):
        np.testing.assert_allclose(found[:, view], corner, atol=1e-6)


def test_every_two_changes_meet_in_all_combinations():
    layer = AffineViews(rotation_factor=0.0, zoom_factor=0.3, shear_factor=0.0)
    maps = layer.maps(28, 28)
    down, right = np.sign(maps[1:, :, 2]).T
    tall, wide = np.sign(np.log(maps[1:, [0, 1], [0, 1]])).T
    for a, b in itertools.combinations((down, right, tall, wide), 2):
        assert sorted(zip(a, b, strict=True)) == 2 * [(-1, -1)] + 2 * [(-1, 1)] + 2 * [
            (1, -1)
        ] + 2 * [(1, 1)]


def test_a_view_is_what_the_kernel_of_keras_gives(pictures):
    found = AffineViews(0.05, 0.3, shear_factor=0.2, translation_factor=1 / 6)
    views = np.asarray(found(pictures)).reshape(2, 9, 9, 9, 2)
    for view, ((a, b, down), (c, d, right)) in enumerate(found.maps(9, 9)):
        # Keras's rows are (right, down), from the corner and not from the middle.
        row = [d, c, right + 4 - 4 * (c + d), b, a, down + 4 - 4 * (a + b), 0, 0]
        row = np.tile(np.array(row, "float32"), (2, 1))
        wanted = ops.image.affine_transform(pictures, row, "bilinear", "constant", 0.0)
        np.testing.assert_allclose(views[:, view], wanted, atol=1e-5)


def test_every_view_comes_mirrored(pictures):
    found = views(pictures, rotation_factor=0.05, flip=True)
    assert found.shape[1] == 18
    np.testing.assert_allclose(found[:, 9], pictures[:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(found[:, 10], found[:, 1, :, ::-1], atol=1e-5)


def test_shape_and_configuration(pictures):
    assert_symbolic_shape(AffineViews(), pictures)
    assert_config_round_trip(AffineViews(rotation_factor=0.1, flip=True))


def test_numbers_are_not_negative():
    with pytest.raises(ValueError, match="rotation_factor"):
        AffineViews(rotation_factor=-1.0)


def test_degrees_logarithms_and_pixels_of_earlier_versions_are_read():
    images = np.random.default_rng(0).random((2, 28, 28, 1), "float32")
    old = {"rotation": 9.0, "zoom": 0.12, "shear": 0.12, "shift": 1.2}
    layer = AffineViews.from_config(old)
    assert_config_round_trip(layer)
    np.testing.assert_allclose(layer(images), AffineViews()(images), atol=1e-6)
    with pytest.warns(UserWarning, match="`shift`.*Use `translation_factor`"):
        AffineViews(shift=1.2)
