import keras
import numpy as np

from fsl_keras.layers import CosineDense
from tests.checks import assert_config_round_trip, assert_symbolic_shape


def layer_of(kernel, scale=10.0):
    layer = CosineDense(len(kernel[0]), scale)
    layer.build((None, len(kernel)))
    layer.set_weights([np.array(kernel, "float32"), layer.scale.numpy()])
    return layer


def test_cosines_times_the_scale():
    # The weights (3, 4) and (-2, 0), the inputs (1, 0) and (3, 4): 3/5, -1; 1, -3/5.
    layer = layer_of([[3.0, -2.0], [4.0, 0.0]], scale=2.0)
    outputs = layer(np.array([[1.0, 0.0], [3.0, 4.0]], "float32"))
    np.testing.assert_allclose(outputs, [[1.2, -2.0], [2.0, -1.2]], rtol=1e-6)


def test_lengths_do_not_count():
    kernel = np.random.default_rng(0).normal(size=(5, 3))
    inputs = np.random.default_rng(1).normal(size=(4, 5)).astype("float32")
    expected = layer_of(kernel)(inputs)
    np.testing.assert_allclose(layer_of(7 * kernel)(inputs / 9), expected, rtol=1e-5)


def test_the_scale_is_learned():
    layer = layer_of([[3.0, -2.0], [4.0, 0.0]])
    assert [w.name for w in layer.trainable_weights] == ["kernel", "scale"]


def test_an_input_of_zeros_gives_zeros():
    outputs = layer_of([[3.0, -2.0], [4.0, 0.0]])(np.zeros((1, 2), "float32"))
    np.testing.assert_array_equal(outputs, [[0, 0]])


def test_half_precision_inputs_give_float32():
    # 1,600 squares of 40 are far beyond float16.
    outputs = layer_of(np.ones((1600, 1)))(np.full((1, 1600), 40, "float16"))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    np.testing.assert_allclose(outputs, [[10.0]], rtol=1e-4)


def test_configuration_and_shape():
    layer = CosineDense(3, scale=5.0)
    assert_config_round_trip(layer)
    assert_symbolic_shape(layer, np.ones((2, 4), "float32"))
