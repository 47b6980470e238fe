import keras
import numpy as np
import pytest
from keras import layers

from fsl_keras.models import ProtoMAML, PrototypicalNetwork
from tests.checks import assert_config_round_trip
from tests.models.gradient_based.gradient import (
    assert_the_gradient_is_the_slope,
    embedding,
    episodes,
)


def test_without_a_step_it_is_a_prototypical_network():
    model = ProtoMAML(embedding(), inner_steps=1, inner_learning_rate=0.0)
    x, _ = episodes(ways=4, shots=3)
    # The same up to |x|^2, which all classes share.
    ours = keras.ops.log_softmax(model(x))
    theirs = keras.ops.log_softmax(PrototypicalNetwork(embedding())(x))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_steps_fit_the_support_set():
    x, _ = episodes(shots=4)
    x["query"] = x["support"]
    picked = []
    for steps in (1, 20):
        model = ProtoMAML(embedding(), inner_steps=steps, inner_learning_rate=0.05)
        probabilities = keras.ops.softmax(model(x))
        picked.append(float(np.sum(probabilities * x["support_labels"]) / 24))
    assert picked[1] > picked[0]


def test_the_gradient_goes_through_the_prototypes():
    assert_the_gradient_is_the_slope(
        lambda: ProtoMAML(embedding(), inner_steps=2, inner_learning_rate=0.1)
    )


def test_classes_come_later():
    model = ProtoMAML(embedding(), inner_steps=2)
    x, _ = episodes(tasks=1, ways=4, shots=3)
    items, labels = x["support"][0], np.arange(4).repeat(3)
    classifier = model.adapt(items[:9], labels[:9])
    classifier.add_class("3", items[9:])
    np.testing.assert_allclose(
        classifier.predict(items, verbose=0),
        model.adapt(items, labels).predict(items, verbose=0),
        atol=1e-5,
    )


def test_saving(tmp_path):
    model = ProtoMAML(embedding(), inner_steps=2, inner_rates="per_layer_per_step")
    model.compile()
    x, y = episodes()
    model.train_on_batch(x, y)
    assert_config_round_trip(model)
    model.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )


def test_regression_is_refused():
    with pytest.raises(ValueError, match=r"no prototypes.*MAML\(network, regression"):
        ProtoMAML(embedding(), regression=True)


def test_feature_maps_are_refused():
    network = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"one vector.*pooling"):
        ProtoMAML(network)
