import keras
import numpy as np
import pytest
from keras import layers

from fsl_keras.backbones import ResNet12
from fsl_keras.layers import DropBlock
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving

SMALL = {"input_shape": (16, 16, 3), "filters": (3, 4, 5, 6)}


def pictures(shape=(4, 16, 16, 3), seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


def trainable_size(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_the_network_of_the_papers():
    backbone = ResNet12((84, 84, 3))
    assert backbone.output_shape == (None, 640)
    # 9 c (d + 2 d) numbers in kernels of 3x3, c in those of 1x1, 8 of normalization.
    blocks = zip((3, 64, 160, 320), (64, 160, 320, 640), strict=True)
    expected = sum(9 * (c * d + 2 * d * d) + c * d + 8 * d for c, d in blocks)
    assert trainable_size(backbone) == expected == 12_424_320


def test_feature_maps_and_their_mean():
    kwargs = {**SMALL, "input_shape": (32, 48, 3)}
    maps, mean = ResNet12(**kwargs, pooling=None), ResNet12(**kwargs)
    mean.set_weights(maps.get_weights())
    x = pictures((2, 32, 48, 3))
    features = np.asarray(maps(x))
    assert features.shape == (2, 2, 3, 6)
    np.testing.assert_allclose(mean(x), features.mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_block_is_three_convolutions_beside_a_shortcut(training):
    backbone = ResNet12((8, 8, 3), filters=(4,), pooling=None)
    get, x = backbone.get_layer, pictures((4, 8, 8, 3))

    def convolution(inputs, name):
        kernel = get(f"block1_{name}_conv").kernel
        maps = np.asarray(keras.ops.conv(inputs, kernel, padding="same"))
        if training:
            maps = maps - maps.mean(axis=(0, 1, 2))
            return maps / np.sqrt(maps.var(axis=(0, 1, 2)) + 1e-3)
        return maps / np.sqrt(1 + 1e-3, dtype="float32")

    def leaky(maps):
        return np.maximum(maps, 0.1 * maps)

    expected = leaky(convolution(leaky(convolution(x, "1")), "2"))
    expected = leaky(convolution(expected, "3") + convolution(x, "shortcut"))
    expected = expected.reshape(4, 4, 2, 4, 2, 4).max(axis=(2, 4))
    np.testing.assert_allclose(backbone(x, training=training), expected, atol=1e-4)


def test_the_last_two_blocks_drop_regions():
    backbone = ResNet12(**SMALL, drop_block=0.5, block_size=2)
    drops = [layer for layer in backbone.layers if isinstance(layer, DropBlock)]
    assert [layer.name for layer in drops] == ["block3_drop", "block4_drop"]
    assert [(layer.rate, layer.block_size) for layer in drops] == [(0.5, 2)] * 2
    x = pictures()
    np.testing.assert_array_equal(backbone(x), backbone(x))
    once, twice = (backbone(x, training=True) for _ in range(2))
    assert np.abs(once - twice).max() > 0
    plain = ResNet12(**SMALL).layers
    assert not any(isinstance(layer, DropBlock) for layer in plain)


@pytest.mark.slow
def test_learns():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([ResNet12(**SMALL, drop_block=0.1), layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss, jit_compile=False)
    labels = np.arange(16) % 2
    x = pictures((16, 16, 16, 3)) + labels[:, None, None, None]
    losses = model.fit(x, labels, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_configuration_and_saving(tmp_path):
    backbone = ResNet12(**SMALL, drop_block=0.2, momentum=0.8, name="net")
    assert_config_round_trip(backbone)
    backbone(pictures(), training=True)  # moves the statistics
    path = tmp_path / "backbone.keras"
    loaded = assert_same_predictions_after_saving(backbone, pictures(), path)
    assert loaded.name == "net"
    assert loaded.get_layer("block1_1_norm").momentum == 0.8


def test_a_frozen_backbone_stays_frozen():
    backbone = ResNet12(**SMALL)
    backbone.trainable = False
    assert ResNet12.from_config(backbone.get_config()).trainable_weights == []


def test_mixed_precision_travels_with_the_configuration():
    backbone = ResNet12(**SMALL, drop_block=0.2, dtype="mixed_bfloat16")
    copy = ResNet12.from_config(backbone.get_config())
    embedding = copy(pictures(), training=True)
    assert keras.backend.standardize_dtype(embedding.dtype) == "bfloat16"
    assert np.isfinite(keras.ops.cast(embedding, "float32")).all()


@pytest.mark.parametrize("input_shape", [(84, 84), (12, 28, 3)])
def test_shapes_without_an_embedding_are_refused(input_shape):
    with pytest.raises(ValueError, match=r"height, width, channels.*16 pixels"):
        ResNet12(input_shape)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"avg.*None.*'flatten'"):
        ResNet12((84, 84, 3), pooling="flatten")
