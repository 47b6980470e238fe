"""The head that starts at the prototypes."""

import keras
import numpy as np
import pytest
from keras import layers

from fsl_keras.models import ProtoMAML, PrototypicalNetwork
from tests.models.gradient_based.gradient import (
    assert_gradient_matches_finite_differences,
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
    of_label = []
    for steps in (1, 20):
        model = ProtoMAML(embedding(), inner_steps=steps, inner_learning_rate=0.05)
        probabilities = keras.ops.softmax(model(x))
        of_label.append(float(np.sum(probabilities * x["support_labels"]) / 24))
    assert of_label[1] > of_label[0]


def test_the_gradient_passes_through_the_prototypes():
    assert_gradient_matches_finite_differences(lambda: ProtoMAML(embedding(), 2, 0.1))


def test_feature_maps_are_refused():
    network = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"`backbone`.*one vector.*pooling"):
        ProtoMAML(network)
