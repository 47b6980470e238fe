import keras
import numpy as np
import pytest
from keras import layers

from fsl_keras.backbones import Conv4
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


def pictures(shape=(3, 16, 16, 1), seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


@pytest.mark.parametrize(
    ("input_shape", "length"), [((28, 28, 1), 64), ((84, 84, 3), 1600)]
)
def test_the_embeddings_of_the_papers(input_shape, length):
    assert Conv4(input_shape).output_shape == (None, length)


@pytest.mark.parametrize(
    ("pooling", "shape"),
    [("flatten", (3, 16)), ("avg", (3, 4)), (None, (3, 2, 2, 4))],
)
def test_pooling(pooling, shape):
    backbone = Conv4((32, 32, 1), filters=4, pooling=pooling)
    assert backbone(pictures((3, 32, 32, 1))).shape == shape


def test_each_block_may_have_its_own_filters():
    backbone = Conv4((16, 16, 1), filters=(2, 3, 4, 5))
    kernels = [w.shape for w in backbone.trainable_weights if len(w.shape) == 4]
    assert kernels == [(3, 3, 1, 2), (3, 3, 2, 3), (3, 3, 3, 4), (3, 3, 4, 5)]
    assert backbone.output_shape == (None, 5)
    assert_config_round_trip(backbone)
    with pytest.raises(ValueError, match=r"`filters` must be one.*or 4.*\(2, 3\)"):
        Conv4((16, 16, 1), filters=(2, 3))


def test_the_poolings_are_of_the_same_feature_maps():
    maps, flat, mean = (
        Conv4((32, 48, 1), filters=4, pooling=pooling)
        for pooling in (None, "flatten", "avg")
    )
    flat.set_weights(maps.get_weights())
    mean.set_weights(maps.get_weights())
    x = pictures((2, 32, 48, 1))
    features = np.asarray(maps(x))
    np.testing.assert_allclose(flat(x), features.reshape(2, -1), rtol=1e-6)
    np.testing.assert_allclose(mean(x), features.mean(axis=(1, 2)), rtol=1e-5)


def textbook(input_shape, filters):
    """The network as the papers write it: ReLU before the maximum."""
    network = keras.Sequential([keras.Input(input_shape)])
    for _ in range(4):
        network.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        network.add(layers.BatchNormalization(momentum=0.95))
        network.add(layers.ReLU())
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    return network


@pytest.mark.parametrize("training", [True, False])
def test_equals_the_network_of_the_papers(training):
    ours, theirs = Conv4((28, 28, 1), filters=6), textbook((28, 28, 1), 6)
    theirs.set_weights(ours.get_weights())
    x = pictures((5, 28, 28, 1))
    for _ in range(2):
        np.testing.assert_allclose(
            ours(x, training=training), theirs(x, training=training), atol=1e-4
        )
    for our, their in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-6)


def test_strides_in_place_of_maxima():
    backbone = Conv4((28, 28, 1), filters=32, downsampling="stride", pooling="avg")
    assert backbone.output_shape == (None, 32)
    maps = Conv4((28, 28, 1), filters=32, downsampling="stride", pooling=None)
    assert maps.output_shape == (None, 2, 2, 32)
    assert maps.count_params() == Conv4((28, 28, 1), filters=32).count_params()


@pytest.mark.parametrize("downsampling", ["pool", "stride"])
@pytest.mark.parametrize(
    ("pooled_blocks", "side"), [(0, 28), (1, 14), (2, 7), (3, 3), (4, 1)]
)
def test_the_first_blocks_halve_the_size(pooled_blocks, side, downsampling):
    maps = Conv4(
        (28, 28, 1),
        filters=4,
        pooling=None,
        downsampling=downsampling,
        pooled_blocks=pooled_blocks,
    )
    if downsampling == "stride":  # rounds up
        side = -(-28 // 2**pooled_blocks)
    assert maps.output_shape == (None, side, side, 4)
    assert maps(pictures((2, 28, 28, 1)), training=True).shape == (2, side, side, 4)
    assert Conv4.from_config(maps.get_config()).output_shape == maps.output_shape


def test_small_pictures_take_fewer_pooled_blocks():
    assert Conv4((8, 8, 1), filters=4, pooled_blocks=3).output_shape == (None, 4)
    with pytest.raises(ValueError, match="at least 8 pixels"):
        Conv4((7, 8, 1), pooled_blocks=3)


def test_more_pooled_blocks_than_there_are_are_refused():
    with pytest.raises(ValueError, match=r"from 0 to 4.*pooled_blocks=5"):
        Conv4((64, 64, 1), pooled_blocks=5)


def test_many_channels_take_the_plain_layers():
    # What the shortcut of the first block saves, many channels would cost.
    backbone = Conv4((16, 16, 8), filters=4)
    reference = textbook((16, 16, 8), 4)
    reference.set_weights(backbone.get_weights())
    x = pictures((3, 16, 16, 8))
    np.testing.assert_allclose(backbone(x), reference(x), atol=1e-5)
    assert isinstance(backbone.get_layer("conv1"), layers.Conv2D)


def test_configuration():
    backbone = Conv4((16, 20, 3), filters=5, pooling="avg", momentum=0.8, name="c")
    assert_config_round_trip(backbone)
    copy = Conv4.from_config(backbone.get_config())
    assert (copy.name, copy.output_shape) == ("c", (None, 5))
    assert [copy.get_layer(name).momentum for name in ("conv1", "norm2")] == [0.8] * 2


def test_a_frozen_backbone_stays_frozen():
    backbone = Conv4((16, 16, 1), filters=2)
    backbone.trainable = False
    copy = Conv4.from_config(backbone.get_config())
    assert copy.trainable_weights == []


def test_saving(tmp_path):
    backbone = Conv4((16, 16, 1), filters=4)
    backbone(pictures(), training=True)  # moves the statistics
    path = tmp_path / "backbone.keras"
    assert_same_predictions_after_saving(backbone, pictures(), path)


@pytest.mark.parametrize("input_shape", [(28, 28), (12, 28, 1), (28, 15, 3)])
def test_shapes_without_an_embedding_are_refused(input_shape):
    with pytest.raises(ValueError, match=r"height, width, channels.*16 pixels"):
        Conv4(input_shape)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"flatten.*avg.*None.*'max'"):
        Conv4((28, 28, 1), pooling="max")


def test_an_unknown_downsampling_is_refused():
    with pytest.raises(ValueError, match=r"pool.*stride.*'mean'"):
        Conv4((28, 28, 1), downsampling="mean")


def test_mixed_precision_travels_with_the_configuration():
    backbone = Conv4((16, 16, 1), filters=4, dtype="mixed_bfloat16")
    copy = Conv4.from_config(backbone.get_config())
    pictures = np.random.default_rng(0).random((2, 16, 16, 1), "float32")
    copy.set_weights(backbone.get_weights())
    assert keras.backend.standardize_dtype(copy(pictures).dtype) == "bfloat16"
    np.testing.assert_array_equal(
        keras.ops.cast(copy(pictures), "float32"),
        keras.ops.cast(backbone(pictures), "float32"),
    )
