import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import Conv4, MultiCrop, pretrained, statistics
from fsl_keras.backbones.statistics import embedding_of_gray, photograph_directions
from fsl_keras.heads import WhitenedRidgeHead


@pytest.fixture
def backbone():
    keras.utils.set_random_seed(0)
    return Conv4((16, 16, 3), filters=4)


@pytest.fixture
def known(backbone, monkeypatch):
    """Makes the backbone one that the package has statistics of."""
    directions = np.eye(4, dtype="float32")[:, :2]
    entry = {"directions": directions, "gray": embedding_of_gray(backbone)}
    monkeypatch.setattr(statistics, "_stored", lambda: {"conv4": entry})
    return directions


def test_a_network_is_known_by_its_embedding_of_a_gray_image(backbone, known):
    np.testing.assert_array_equal(photograph_directions(backbone), known)
    keras.utils.set_random_seed(1)
    assert photograph_directions(Conv4((16, 16, 3), filters=4)) is None
    assert photograph_directions(Conv4((16, 16, 3), filters=5)) is None


def test_views_of_a_gray_image_are_gray(backbone, known):
    np.testing.assert_array_equal(photograph_directions(MultiCrop(backbone)), known)


def test_a_learner_of_a_named_head_has_them(backbone, known):
    learner = fsl.models.TransferLearner(backbone, "whitened_ridge")
    np.testing.assert_array_equal(learner.head.common[:, :2], known)
    whitened = fsl.models.TransferLearner(backbone, "whitened").head
    np.testing.assert_array_equal(whitened.whitening, np.diag([0, 0, 1, 1]))
    own = fsl.models.TransferLearner(backbone, WhitenedRidgeHead())
    assert not np.any(own.head.common)


def test_the_file_has_three_networks_without_overlap():
    stored = statistics._stored()
    assert {name: entry["directions"].shape for name, entry in stored.items()} == {
        "mobilenetv2_0.35_224_features": (1280, 33),
        "mobilenetv2_1.00_224_features": (1280, 33),
        "resnet50_features": (2048, 33),
    }
    for entry in stored.values():
        lengths = np.linalg.norm(entry["directions"], axis=0)
        np.testing.assert_allclose(lengths[0], 1, atol=1e-2)
        assert (lengths <= 1.01).all()


def test_random_weights_have_no_statistics():
    backbone = pretrained("mobilenet_v2", None, (32, 32, 3), alpha=0.35)
    assert photograph_directions(backbone) is None


def test_a_base_unlike_the_examples_is_said(backbone):
    learner = fsl.models.TransferLearner(backbone, "whitened_ridge")
    far = np.zeros((4, 1), "float32")
    examples = np.random.default_rng(0).random((4, 16, 16, 3), "float32")
    features = learner.features(examples)
    # A direction at right angles to all examples.
    far[:, 0] = np.linalg.svd(features)[2][-1]
    learner.head.set_directions(far)
    with pytest.warns(UserWarning, match="unlike the examples"):
        learner.adapt(examples, ["a", "b", "a", "b"])
