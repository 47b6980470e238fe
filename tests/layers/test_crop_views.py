import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers import CropViews
from tests.checks import assert_config_round_trip, assert_symbolic_shape


@pytest.fixture
def images():
    return np.random.default_rng(0).random((2, 8, 10, 3), "float32")


def test_views_are_the_image_and_its_center_at_the_same_size(images):
    layer = CropViews(scale=0.5, flip=False)
    found = np.asarray(layer(images)).reshape(2, 2, 8, 10, 3)
    np.testing.assert_array_equal(found[:, 0], images)
    wanted = tf.image.resize(images[:, 2:6, 2:7], (8, 10))
    np.testing.assert_allclose(found[:, 1], wanted, atol=1e-6)


def test_every_view_comes_mirrored(images):
    found = np.asarray(CropViews(scale=0.5)(images)).reshape(2, 4, 8, 10, 3)
    np.testing.assert_array_equal(found[:, 2:], found[:, :2, :, ::-1])


def test_shape_and_configuration(images):
    assert_symbolic_shape(CropViews(), images)
    assert_config_round_trip(CropViews(scale=0.6, flip=False))


@pytest.mark.parametrize("scale", [0.0, 1.0, -1.0, 224])
def test_a_crop_is_a_part_of_the_image(scale):
    with pytest.raises(ValueError, match="`scale` must be above 0 and below 1"):
        CropViews(scale=scale)


@pytest.mark.parametrize("scale", [0.1, 0.97])
def test_crops_of_small_images_are_refused(images, scale):
    with pytest.raises(ValueError, match=r"8x10 pixels and scale"):
        CropViews(scale=scale)(images)
