"""A learner that breaks a rule fails the check of it, and the error says which."""

import keras
import pytest

from fsl_keras.models import PrototypicalNetwork
from fsl_keras.testing import check_learner, learner_checks


def backbone():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


class LooksAtOtherQueries(PrototypicalNetwork):
    def call(self, episode, training=None):
        logits = super().call(episode, training)
        return logits - keras.ops.mean(logits, axis=1, keepdims=True)


class ForgetsItsFeatures(PrototypicalNetwork):
    def score_features(self, state, features):
        return super().score_features(state, 0 * features)


class NeverTrains(PrototypicalNetwork):
    def gradients_of(self, x, y, sample_weight):
        logits, loss, gradients = super().gradients_of(x, y, sample_weight)
        return logits, loss, [0 * gradient for gradient in gradients]


BROKEN = {
    "check_other_queries": LooksAtOtherQueries,
    "check_call": ForgetsItsFeatures,
    "check_training": NeverTrains,
}


@pytest.mark.parametrize(("name", "cls"), BROKEN.items(), ids=BROKEN)
def test_a_broken_learner_fails_the_check_of_what_it_breaks(name, cls):
    (check,) = (check for check in learner_checks() if check.__name__ == name)
    with pytest.raises(AssertionError) as error:
        check(cls(backbone()))
    (note,) = error.value.__notes__
    assert note.startswith(f"`{name}` failed: ")
    assert cls.__name__ in note


def test_an_unknown_check_to_skip():
    with pytest.raises(ValueError, match=r"`skip` must hold names of checks"):
        check_learner(PrototypicalNetwork(backbone()), skip=["check_speed"])
