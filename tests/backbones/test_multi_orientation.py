import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import Conv4, MultiOrientation, MultiView
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 16, 16, 1), "float32")


@pytest.fixture
def backbone():
    return Conv4((16, 16, 1), filters=4)


def test_an_embedding_holds_those_of_all_orientations(pictures, backbone):
    mirrored = pictures[:, :, ::-1]
    wanted = np.stack(
        [
            backbone(np.rot90(images, turns, axes=(1, 2)))
            for images in (pictures, mirrored)
            for turns in range(4)
        ],
        axis=1,
    )
    wanted = wanted.reshape(3, 32) / np.sqrt(8)
    found = MultiOrientation(backbone)(pictures)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_squared_distances_are_the_mean_of_those_of_the_orientations(
    pictures, backbone
):
    model = MultiOrientation(backbone)
    parts = np.asarray(backbone(model.get_layer("orientations")(pictures)))
    parts = parts.reshape(3, 8, 4)
    wanted = ((parts[0] - parts[1]) ** 2).sum(axis=-1).mean()
    one, other, _ = np.asarray(model(pictures))
    np.testing.assert_allclose(((one - other) ** 2).sum(), wanted, rtol=1e-4)


def test_what_is_turned_alike_is_as_far_apart(pictures, backbone):
    def distance(images):
        one, other, _ = np.asarray(MultiOrientation(backbone)(images))
        return np.square(one - other).sum()

    turned = np.rot90(pictures, axes=(1, 2))
    np.testing.assert_allclose(distance(turned), distance(pictures), rtol=1e-4)


def test_it_goes_around_views(pictures, backbone):
    assert MultiOrientation(MultiView(backbone))(pictures).shape == (3, 32)


def test_saving(pictures, backbone, tmp_path):
    model = MultiOrientation(backbone)
    assert_config_round_trip(model)
    assert_same_predictions_after_saving(model, pictures, tmp_path / "model.keras")


def test_pictures_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match=r"square images.*\(16, 20, 1\)"):
        MultiOrientation(Conv4((16, 20, 1), filters=4))


def test_feature_maps_of_the_orientations_stay_apart(pictures, tmp_path):
    backbone = Conv4((16, 16, 1), 4, pooling=None, pooled_blocks=2)
    model = MultiOrientation(backbone)
    assert model.output_shape == (None, 8, 4, 4, 4)
    turned = backbone(np.rot90(pictures[:, :, ::-1], 3, axes=(1, 2)))
    np.testing.assert_allclose(model(pictures)[:, 7], turned, rtol=1e-4, atol=1e-6)
    assert_same_predictions_after_saving(model, pictures, tmp_path / "model.keras")


def test_embeddings_that_are_neither_vectors_nor_maps_are_refused(backbone):
    rows = keras.layers.Reshape((2, 2))(backbone.output)
    with pytest.raises(ValueError, match=r"a vector or a feature map.*2, 2\)"):
        MultiOrientation(keras.Model(backbone.input, rows))


def test_a_learner_takes_it(pictures, backbone):
    learner = fsl.models.PrototypicalNetwork(backbone)
    classifier = learner.with_backbone(MultiOrientation(backbone)).adapt(
        pictures, ["egret", "heron", "ibis"]
    )
    found = classifier.predict(pictures, verbose=0)
    np.testing.assert_array_equal(found.argmax(axis=1), [0, 1, 2])
