import keras
import numpy as np
import pytest
from keras import ops

from fsl_keras.optimizers import ConvMuon


@pytest.fixture
def convolution():
    layer = keras.layers.Conv2D(4, 3)
    layer.build((None, 8, 8, 2))
    return layer


def step(optimizer, layer, gradients):
    before = layer.get_weights()
    optimizer.apply(list(map(ops.convert_to_tensor, gradients)), layer.weights)
    return [new - old for new, old in zip(layer.get_weights(), before, strict=True)]


def test_the_step_of_a_kernel_has_singular_values_of_about_one_length(convolution):
    generator = np.random.default_rng(0)
    # Of very different directions: the first filter's gradient is 100 times as large.
    gradient = generator.normal(size=(3, 3, 2, 4)) * [100.0, 1.0, 1.0, 1.0]
    moved, _ = step(ConvMuon(0.1), convolution, [gradient.astype("float32"), [0.0] * 4])
    lengths = np.linalg.svd(moved.reshape(18, 4), compute_uv=False)
    # 0.2 times the root of the longer side, the published length.
    expected = 0.1 * 0.2 * np.sqrt(18)
    assert np.all((lengths > 0.6 * expected) & (lengths < 1.3 * expected))
    assert np.sum(moved * gradient) < 0


def test_offsets_and_kernels_of_single_columns_take_steps_of_adam():
    layer = keras.layers.DepthwiseConv2D(3)
    layer.build((None, 8, 8, 2))
    generator = np.random.default_rng(0)
    gradients = [
        generator.normal(size=w.shape).astype("float32") for w in layer.weights
    ]
    moved = step(ConvMuon(0.1), layer, gradients)
    for way, gradient in zip(moved, gradients, strict=True):
        np.testing.assert_allclose(way, -0.1 * np.sign(gradient), rtol=1e-4)


def test_momentum_is_that_of_keras_for_a_matrix(convolution):
    """Steps of a kernel are those of the matrix it is."""
    dense = keras.layers.Dense(4)
    dense.build((None, 18))
    generator = np.random.default_rng(0)
    ours, theirs = ConvMuon(0.1), keras.optimizers.Muon(0.1, weight_decay=None)
    for _ in range(3):
        gradient = generator.normal(size=(18, 4)).astype("float32")
        of_kernel = [gradient.reshape(3, 3, 2, 4), np.zeros(4, "float32")]
        moved, _ = step(ours, convolution, of_kernel)
        expected, _ = step(theirs, dense, [gradient, np.zeros(4, "float32")])
        np.testing.assert_allclose(moved.reshape(18, 4), expected, atol=1e-6)


def test_nothing_decays_unless_asked(convolution):
    zeros = [np.zeros(w.shape, "float32") for w in convolution.weights]
    convolution.set_weights([np.ones_like(zero) for zero in zeros])
    for moved in step(ConvMuon(0.1), convolution, zeros):
        np.testing.assert_array_equal(moved, 0.0)
    kernel, _ = step(ConvMuon(0.1, adam_weight_decay=0.5), convolution, zeros)
    np.testing.assert_allclose(kernel, -0.05, rtol=1e-5)


def test_saving():
    optimizer = ConvMuon(0.1, adam_weight_decay=0.5, momentum=0.9)
    stored = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(stored)
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
