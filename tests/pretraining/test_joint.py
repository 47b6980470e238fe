import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.pretraining import JointTraining, RotationPrediction, SimCLR


@pytest.fixture
def data():
    images = np.random.default_rng(0).random((60, 12, 12, 1)).astype("float32")
    return fsl.ClassDataset.from_arrays(images, np.arange(60) % 6)


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(8)]
    )


def streams(data):
    return tf.data.Dataset.zip(data.episodes(5, 1, 3), data.batches(16))


def learner_of(backbone):
    learner = fsl.models.PrototypicalNetwork(backbone)
    learner.compile(keras.optimizers.SGD(0.1))
    return learner


def test_a_step_follows_the_gradient_of_the_weighted_sum(data):
    backbone = network()
    learner = learner_of(backbone)
    rotation = RotationPrediction(backbone, None)
    (x, y), (items, _) = next(iter(streams(data)))
    kernel = backbone.layers[-1].kernel
    with tf.GradientTape() as tape:
        episodes = learner.compute_loss(x, y, learner(x, training=True), None)
        views = rotation(items, training=True)
        loss = episodes + 0.25 * rotation.compute_loss(items, None, views)
    expected = np.asarray(kernel) - 0.1 * tape.gradient(loss, kernel.value)
    model = JointTraining(learner, rotation, weight=0.25)
    history = model.fit(streams(data), steps_per_epoch=1, verbose=0).history
    np.testing.assert_allclose(kernel, expected, atol=1e-5)
    assert history["loss"] == [pytest.approx(float(loss), rel=1e-5)]
    assert {"accuracy", "spread", "probe_accuracy"} < set(history)


def test_the_learner_alone_is_validated(data):
    backbone = network()
    learner = learner_of(backbone)
    model = JointTraining(learner, SimCLR(backbone, RandomAffine(seed=0)))
    tests = data.episodes(5, 1, 3, seed=1, count=4)
    history = model.fit(
        streams(data), steps_per_epoch=2, validation_data=tests, verbose=0
    ).history
    measured = learner.evaluate(tests, return_dict=True, verbose=0)
    assert history["val_loss"] == [pytest.approx(measured["loss"], rel=1e-5)]
    assert history["val_accuracy"] == [pytest.approx(measured["accuracy"])]


def test_metrics_start_anew_in_each_epoch(data):
    backbone = network()
    model = JointTraining(learner_of(backbone), RotationPrediction(backbone, None))
    model.optimizer.learning_rate = 0.0
    same = streams(data).take(1).repeat()
    history = model.fit(same, steps_per_epoch=1, epochs=2, verbose=0).history
    assert history["loss"][0] == pytest.approx(history["loss"][1], rel=1e-5)
    assert history["accuracy"][0] == history["accuracy"][1]


def test_two_backbones_are_refused():
    with pytest.raises(ValueError, match="the same backbone"):
        JointTraining(learner_of(network()), RotationPrediction(network(), None))


def test_a_learner_that_is_not_compiled_is_refused():
    backbone = network()
    learner = fsl.models.PrototypicalNetwork(backbone)
    with pytest.raises(ValueError, match="must be compiled"):
        JointTraining(learner, RotationPrediction(backbone, None))
