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


def test_five_updates_of_a_kernel_are_these():
    layer = keras.layers.Conv2D(3, 2, use_bias=False)
    layer.build((None, 8, 8, 1))
    layer.set_weights([np.zeros((2, 2, 1, 3))])
    generator = np.random.default_rng(2)
    optimizer = ConvMuon(0.1)
    for _ in range(5):
        step(optimizer, layer, [generator.normal(size=(2, 2, 1, 3)).astype("float32")])
    expected = [
        [0.06884605, -0.01518133, -0.00729934],
        [0.15920559, -0.01797199, -0.01869676],
        [-0.02721886, 0.03734611, -0.11889596],
        [-0.03358341, -0.09785315, -0.02122909],
    ]
    np.testing.assert_allclose(layer.kernel.numpy().reshape(4, 3), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("decay", "kernel", "bias"),
    [
        ({}, 0.0, 0.0),
        ({"weight_decay": 0.5}, -0.05, 0.0),
        ({"adam_weight_decay": 0.5}, 0.0, -0.05),
    ],
)
def test_weight_decay_is_that_of_kernels_and_adams_that_of_others(
    decay, kernel, bias, convolution
):
    zeros = [np.zeros(w.shape, "float32") for w in convolution.weights]
    convolution.set_weights([np.ones_like(zero) for zero in zeros])
    moved = step(ConvMuon(0.1, **decay), convolution, zeros)
    for change, expected in zip(moved, (kernel, bias), strict=True):
        np.testing.assert_allclose(change, expected, rtol=1e-5)


def test_kernels_have_a_momentum_and_no_velocity(convolution):
    optimizer = ConvMuon()
    optimizer.build(convolution.weights)
    slots = optimizer.variables[2:]  # after the iterations and the learning rate
    names = [variable.name.removeprefix(convolution.name) for variable in slots]
    assert names == ["_kernel_momentum", "_bias_momentum", "_bias_velocity"]


def test_kernels_of_excluded_layers_are_updated_by_adam(convolution):
    gradients = [np.full(w.shape, 3.0, "float32") for w in convolution.weights]
    optimizer = ConvMuon(0.1, exclude_layers=[convolution.name])
    for moved in step(optimizer, convolution, gradients):
        np.testing.assert_allclose(moved, -0.1, rtol=1e-4)


def test_states_that_hold_a_velocity_for_each_kernel_are_read(convolution):
    optimizer = ConvMuon()
    optimizer.build(convolution.weights)
    kernel, bias = (
        np.random.default_rng(0).random(w.shape) for w in optimizer.variables[2:4]
    )
    state = [7, 0.5, kernel, np.zeros_like(kernel), bias, 2 * bias]
    optimizer.load_own_variables({str(i): value for i, value in enumerate(state)})
    for found, expected in zip(
        optimizer.variables, [7, 0.5, kernel, bias, 2 * bias], strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_saving():
    optimizer = ConvMuon(0.1, weight_decay=0.5, momentum=0.9)
    stored = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(stored)
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
