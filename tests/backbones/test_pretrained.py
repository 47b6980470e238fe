import keras
import numpy as np
import pytest

from fsl_keras.backbones import pretrained
from tests.checks import assert_same_predictions_after_saving

SHAPE = (32, 32, 3)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((2, *SHAPE), "float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("mobilenet_v2", {"alpha": 0.35}), ("ResNet50", {}), ("EfficientNetB0", {})],
)
def test_it_is_the_application_after_its_own_preprocessing(name, arguments, pictures):
    backbone = pretrained(name, None, SHAPE, **arguments)
    application = backbone.layers[-1]
    module = {
        "mobilenet_v2": keras.applications.mobilenet_v2,
        "ResNet50": keras.applications.resnet50,
        "EfficientNetB0": keras.applications.efficientnet,
    }[name]
    expected = application(module.preprocess_input(255 * pictures.astype("float64")))
    np.testing.assert_allclose(backbone(pictures), expected, atol=1e-4)
    assert backbone.output_shape == (None, application.output_shape[-1])
    assert backbone.trainable_weights == []


def test_batch_normalization_is_in_inference_mode(pictures):
    backbone = pretrained("mobilenet_v2", None, SHAPE, alpha=0.35)
    before = backbone.get_weights()
    np.testing.assert_array_equal(backbone(pictures, training=True), backbone(pictures))
    for weight, same in zip(backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_feature_maps(pictures):
    backbone = pretrained("mobilenet_v2", None, SHAPE, pooling=None, alpha=0.35)
    assert backbone(pictures).shape == (2, 1, 1, 1280)


@pytest.mark.slow
def test_saving(pictures, tmp_path):
    backbone = pretrained("mobilenet_v2", None, SHAPE, alpha=0.35)
    loaded = assert_same_predictions_after_saving(
        backbone, pictures, tmp_path / "backbone.keras"
    )
    assert loaded.trainable_weights == []


class TestWeights:
    def test_of_a_file(self, data_dir):
        path = data_dir / "weights" / "mobilenet_v2_0.35_224_no_top.weights.h5"
        backbone = pretrained("mobilenet_v2", path, SHAPE, alpha=0.35)
        plain = keras.applications.MobileNetV2(
            SHAPE, alpha=0.35, include_top=False, weights=path
        )
        for weight, same in zip(
            backbone.get_weights(), plain.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(weight, same)

    @pytest.mark.parametrize(
        ("name", "arguments", "tensor"),
        [("mobilenet_v2", {"alpha": 1.0}, "Conv1"), ("resnet50", {}, "conv1_conv")],
    )
    def test_of_another_architecture_or_alpha(self, data_dir, name, arguments, tensor):
        path = data_dir / "weights" / "mobilenet_v2_0.35_224_no_top.weights.h5"
        with pytest.raises(ValueError, match=r"does not hold.*") as error:
            pretrained(name, path, SHAPE, **arguments)
        message = str(error.value)
        assert tensor in message
        assert len(message) < 800  # without the values of tensors

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"path of a file.*nowhere.*None"):
            pretrained("mobilenet_v2", tmp_path / "nowhere.weights.h5", SHAPE)

    def test_a_file_of_something_else(self, tmp_path):
        path = tmp_path / "mine.weights.h5"
        path.write_bytes(b"no weights")
        with pytest.raises(ValueError, match=r"mine.weights.h5 does not hold"):
            pretrained("mobilenet_v2", path, SHAPE, alpha=0.35)

    @pytest.mark.usefixtures("no_network")
    def test_without_network(self, monkeypatch, tmp_path):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r"cannot be downloaded.*`weights`"):
            pretrained("mobilenet_v2", input_shape=(96, 96, 3), alpha=0.35)


def test_an_unknown_application():
    with pytest.raises(ValueError, match=r"no 'mobilenet_v22'\. Did you mean 'Mobile"):
        pretrained("mobilenet_v22")
