import keras
import numpy as np

from fsl_keras.layers.unit_length import to_unit_length


def test_the_numbers_are_those_of_keras():
    vectors = np.random.default_rng(0).normal(size=(3, 5, 7)).astype("float32")
    vectors[0] = 0
    vectors[1] *= 1e-6
    for axis in (-1, 1):
        np.testing.assert_array_equal(
            to_unit_length(vectors, axis), keras.ops.normalize(vectors, axis)
        )
