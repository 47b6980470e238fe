import keras
import numpy as np
import pytest

from fsl_keras.backbones import ResNet18
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


@pytest.fixture(scope="module")
def backbone():
    return ResNet18((8, 8, 1), momentum=0.8, name="net")


def pictures(shape=(2, 8, 8, 1), seed=0):
    return np.random.default_rng(seed).random(shape, "float32")


def test_the_original_network():
    backbone = ResNet18((224, 224, 3), small_input=False, pooling=None)
    assert backbone.output_shape == (None, 7, 7, 512)
    # Its published 11,689,512 numbers without the layer of 1,000 classes.
    size = sum(int(np.prod(w.shape)) for w in backbone.trainable_weights)
    assert size == 11_689_512 - 513_000


def test_small_pictures_keep_their_size_at_first():
    backbone = ResNet18((84, 84, 3), pooling=None)
    assert backbone.get_layer("stage1_block1_1_conv").input.shape == (None, 84, 84, 64)
    assert backbone.output_shape == (None, 11, 11, 512)


def test_embeddings_are_the_mean_of_feature_maps(backbone):
    maps = ResNet18((16, 24, 1), pooling=None)
    mean = ResNet18((16, 24, 1))
    mean.set_weights(maps.get_weights())
    x = pictures((2, 16, 24, 1))
    features = np.asarray(maps(x))
    assert features.shape == (2, 2, 3, 512)
    np.testing.assert_allclose(mean(x), features.mean(axis=(1, 2)), rtol=1e-4)


def test_a_block_is_two_convolutions_beside_its_input(backbone):
    block = keras.Model(
        backbone.get_layer("stem_relu").output,
        backbone.get_layer("stage1_block1_2_relu").output,
    )
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 64)).astype("float32")
    first, second = (
        backbone.get_layer(f"stage1_block1_{place}_conv").kernel for place in (1, 2)
    )
    scale = 1 / np.sqrt(1 + 1e-3)  # of running statistics that have not moved
    inner = np.maximum(scale * keras.ops.conv(x, first, padding="same"), 0)
    expected = np.maximum(x + scale * keras.ops.conv(inner, second, padding="same"), 0)
    np.testing.assert_allclose(block(x), expected, rtol=1e-3, atol=1e-4)


def test_a_shortcut_goes_where_the_size_changes(backbone):
    names = [layer.name for layer in backbone.layers if "shortcut_conv" in layer.name]
    assert names == [f"stage{stage}_block1_shortcut_conv" for stage in (2, 3, 4)]


def test_configuration_and_saving(backbone, tmp_path):
    assert_config_round_trip(backbone)
    path = tmp_path / "backbone.keras"
    loaded = assert_same_predictions_after_saving(backbone, pictures(), path)
    assert (loaded.name, loaded.get_layer("stem_norm").momentum) == ("net", 0.8)


def test_mixed_precision_and_freezing_travel_with_the_configuration():
    backbone = ResNet18((8, 8, 1), dtype="mixed_bfloat16")
    backbone.trainable = False
    copy = ResNet18.from_config(backbone.get_config())
    assert copy.trainable_weights == []
    assert keras.backend.standardize_dtype(copy(pictures()).dtype) == "bfloat16"


@pytest.mark.parametrize(("small_input", "least"), [(True, 8), (False, 32)])
def test_shapes_without_an_embedding_are_refused(small_input, least):
    side = least - 1
    with pytest.raises(ValueError, match=rf"height, width, channels.*{least} pixels"):
        ResNet18((side, side, 3), small_input=small_input)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"avg.*None.*'max'"):
        ResNet18((84, 84, 3), pooling="max")
