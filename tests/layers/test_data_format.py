import keras
import numpy as np
import pytest

from fsl_keras import backbones, layers


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize(
    "make",
    [
        lambda: backbones.Conv4((28, 28, 1)),
        lambda: backbones.ResNet12((16, 16, 3)),
        lambda: backbones.ResNet18((16, 16, 3)),
        lambda: backbones.pretrained("mobilenet_v2", weights=None),
        lambda: layers.FoldedConvolution(8),
        lambda: layers.ImagePreprocessing((8, 8), 3),
    ],
)
def test_channels_first_is_refused(make):
    with pytest.raises(ValueError, match=r'set_image_data_format\("channels_last"\)'):
        make()


@pytest.mark.usefixtures("channels_first")
def test_batch_normalization_goes_by_its_axis():
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    for axis in (-1, 1):
        found = layers.FusedBatchNormalization(axis=axis)(values, training=True)
        expected = keras.layers.BatchNormalization(axis=axis)(values, training=True)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize(
    ("make", "call"),
    [
        (lambda: layers.DropBlock(0.3, 3, seed=1), {"training": True}),
        (lambda: layers.augmentation.RandomResizedCrop(size=(3, 3)), {}),
    ],
)
def test_layers_take_channels_last_all_the_same(make, call):
    values = np.random.default_rng(0).uniform(size=(2, 6, 6, 3)).astype("float32")
    found = np.asarray(make()(values, **call))
    keras.config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(found, make()(values, **call))
    assert not np.array_equal(found, values)
