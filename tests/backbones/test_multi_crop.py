import numpy as np
import pytest

from fsl_keras.backbones import Conv4, MultiCrop
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


@pytest.fixture
def photographs():
    return np.random.default_rng(0).random((3, 16, 16, 3), "float32")


@pytest.fixture
def backbone():
    return Conv4((16, 16, 3), filters=4)


def test_an_embedding_is_the_mean_of_those_of_the_views(photographs, backbone):
    model = MultiCrop(backbone)
    views = model.views(photographs)
    wanted = np.asarray(backbone(views)).reshape(3, 4, 4).mean(axis=1)
    np.testing.assert_allclose(model(photographs), wanted, rtol=1e-5)


def test_a_mirrored_photograph_has_the_same_embedding(photographs, backbone):
    model = MultiCrop(backbone, scale=0.75)
    mirrored = model(photographs[:, :, ::-1])
    np.testing.assert_allclose(model(photographs), mirrored, rtol=1e-4, atol=1e-6)


def test_saving(photographs, backbone, tmp_path):
    model = MultiCrop(backbone, scale=0.6, flip=False)
    assert_config_round_trip(model)
    assert_same_predictions_after_saving(model, photographs, tmp_path / "model.keras")


def test_photographs_smaller_than_a_crop_are_refused(backbone):
    with pytest.raises(ValueError, match="16x16 pixels"):
        MultiCrop(backbone, scale=0.05)
