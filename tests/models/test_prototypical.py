import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


def test_the_distance_is_that_of_the_head(conv_learner):
    model = fsl.models.PrototypicalNetwork(
        conv_learner.backbone, distance="cosine", scale=3.0
    )
    assert (model.head.distance, float(model.head.scale)) == ("cosine", 3.0)
    with pytest.raises(ValueError, match="distance"):
        fsl.models.PrototypicalNetwork(conv_learner.backbone, distance="euclid")


@pytest.mark.parametrize("distance", ["squared_euclidean", "cosine"])
def test_configuration_and_saving(conv_learner, pictures, tmp_path, distance):
    model = fsl.models.PrototypicalNetwork(conv_learner.backbone, distance, name="net")
    assert_config_round_trip(model)
    if distance == "cosine":
        model.head.scale.assign(7.0)  # as if it had been learned
    x, _ = next(iter(pictures.episodes(3, 2, 4)))
    episode = {name: np.asarray(value) for name, value in x.items()}
    path = tmp_path / "net.keras"
    loaded = assert_same_predictions_after_saving(model, episode, path)
    assert loaded.name == "net"


def test_training_learns_to_tell_new_classes_apart(pictures, conv_learner):
    test = pictures.subset(range(5, 8)).episodes(3, 1, 5, seed=1, count=40)
    conv_learner.compile(keras.optimizers.Adam(1e-2))
    before = conv_learner.evaluate(test, return_dict=True, verbose=0)
    train = pictures.subset(range(5)).episodes(4, 1, 3, tasks=2)
    conv_learner.fit(train, steps_per_epoch=40, verbose=0)
    after = conv_learner.evaluate(test, return_dict=True, verbose=0)
    gained = after["accuracy"] - before["accuracy"]
    assert gained > after["accuracy_ci95"] + before["accuracy_ci95"]
    assert after["loss"] < before["loss"]
