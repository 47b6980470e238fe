import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers.augmentation.resampling import pixel_grid, resample


def read(picture, places):
    """Reads a picture `[H, W]` at places `(row, column)`."""
    rows, columns = np.array(places, "float32").T
    return resample(
        np.array(picture, "float32")[None, ..., None],
        rows[None, None],
        columns[None, None],
    ).numpy()[0, 0, :, 0]


def test_places_between_pixels_are_mixed():
    places = [(0, 1), (0.5, 0), (0, 0.25), (0.5, 0.5), (1, 1)]
    values = read([[0, 0.1], [0.2, 0.7]], places)
    np.testing.assert_allclose(values, [0.1, 0.1, 0.025, 0.25, 0.7])


def test_outside_is_nothing():
    places = [(-0.5, 0), (1.5, 1), (-1, 0), (0, 2), (0, -9), (1e6, -1e6)]
    values = read([[0.4, 0.1], [0.2, 0.7]], places)
    np.testing.assert_allclose(values, [0.2, 0.35, 0, 0, 0, 0])


def test_the_grid_of_pixels_gives_the_picture():
    images = tf.random.stateless_uniform((2, 5, 7, 3), seed=(0, 0))
    rows, columns = (tf.broadcast_to(x, (2, 5, 7)) for x in pixel_grid(images))
    np.testing.assert_array_equal(resample(images, rows, columns), images)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_gradient_is_that_of_the_mixture(jit_compile):
    @tf.function(jit_compile=jit_compile)
    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = resample(images, tf.fill((1, 1, 1), 0.25), tf.fill((1, 1, 1), 0.5))
        return tape.gradient(value, images)

    shares = gradient(tf.fill((1, 2, 3, 1), 0.5))[0, ..., 0]
    np.testing.assert_allclose(shares, [[0.375, 0.375, 0], [0.125, 0.125, 0]])
