"""Training on sessions: what forgets, what protects, and what is refused."""

import keras
import numpy as np
import pytest

from fsl_keras import continual
from fsl_keras.continual import FineTuningLearner, HerdingExemplars, ReservoirExemplars
from tests.continual.clusters import NAMES, vectors

SESSIONS = [vectors(NAMES[start : start + 2], 8, seed=start) for start in (0, 2, 4)]
TEST = vectors(NAMES, 20, seed=9)


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, "relu", name="first"),
            keras.layers.Dense(8, name="second"),
        ]
    )


def learner(unfreeze="all", exemplars=None, backbone=None, **kwargs):
    kwargs = {"steps": 30, "learning_rate": 1e-2, **kwargs}
    return FineTuningLearner(backbone or network(), unfreeze, exemplars, **kwargs)


def evaluate(learner, **kwargs):
    return continual.evaluate(learner, SESSIONS, TEST, cache=False, **kwargs)


@pytest.fixture(scope="module")
def unprotected():
    return evaluate(learner(distillation=0.0), joint=False)


def test_without_protection_it_forgets(unprotected):
    assert unprotected.forgetting > 0.5


@pytest.mark.parametrize(
    "protection",
    [
        {"exemplars": HerdingExemplars(10**4), "distillation": 0.0},
        {"distillation": 10.0},
        {"prototypes": True, "distillation": 0.0},
    ],
    ids=["exemplars", "distillation", "prototypes"],
)
def test_each_protection_alone_helps(protection, unprotected):
    found = evaluate(learner(**protection), joint=False)
    assert found.last_accuracy > unprotected.last_accuracy + 0.04


def test_protected_by_two_it_does_not_forget(unprotected):
    exemplars = HerdingExemplars(max_bytes=12 * 32)
    found = evaluate(learner(exemplars=exemplars, name="replay"))
    assert found.forgetting_among_known < 0.02
    assert found.last_accuracy > unprotected.last_accuracy + 0.2
    # The report is that of other learners.
    assert found.name == "replay"
    assert found.classes == [NAMES[:2], NAMES[2:4], NAMES[4:]]
    # Twelve vectors of 8 float32, and one for each class.
    assert found.memory_bytes.tolist() == [(12 + ways) * 32 for ways in (2, 4, 6)]
    assert found.joint_accuracy > 0.8
    assert (found.seconds > 0).all()
    # Each classifier has a copy.
    assert exemplars.items is None


def test_a_frozen_backbone_embeds_each_item_once():
    # Exemplars are then embeddings, and the report is that of the learner on them.
    backbone = network()
    frozen = learner(None, HerdingExemplars(10**4), backbone)
    found = evaluate(frozen, joint=False)
    classifier = frozen.adapt(*SESSIONS[0])
    assert classifier.exemplars.items.shape == (16, 8)
    embedded = backbone.predict_on_batch(SESSIONS[0][0])
    kept = classifier.exemplars.items
    assert {row.tobytes() for row in kept} == {row.tobytes() for row in embedded}
    known = np.isin(TEST[1], NAMES[:2])
    predicted = classifier.logits(TEST[0][known]).argmax(axis=1)
    is_right = np.asarray(NAMES)[predicted] == np.asarray(TEST[1])[known]
    assert found.accuracy_by_session[0] == pytest.approx(is_right.mean())


class TestErrors:
    def test_a_budget_of_nothing(self):
        with pytest.raises(ValueError, match="`max_bytes` must be above 0"):
            learner(exemplars=HerdingExemplars(0))

    def test_a_budget_less_than_one_item(self):
        with pytest.raises(ValueError, match=r"takes 32 bytes.*max_bytes=31"):
            learner(exemplars=ReservoirExemplars(31)).adapt(*SESSIONS[0])

    def test_a_memory_that_is_not_empty(self):
        exemplars = HerdingExemplars(10**4)
        exemplars.add(np.zeros((2, 5), "float32"), ["ash", "birch"])
        with pytest.raises(ValueError, match=r"must be empty.*2 items of shape \(5,\)"):
            learner(exemplars=exemplars)

    def test_exemplars_for_the_evaluation(self):
        with pytest.raises(ValueError, match="are an argument of a learner"):
            evaluate(learner(), exemplars=HerdingExemplars(10**4))

    def test_no_such_layer(self):
        with pytest.raises(ValueError, match=r"\['first', 'second'\].*'third'"):
            learner("third")

    @pytest.mark.parametrize(
        "argument",
        [
            {"steps": 0},
            {"batch_size": 0},
            {"distillation": -1.0},
            {"temperature": 0.0},
            {"learning_rate": 0.0},
        ],
    )
    def test_arguments_out_of_range(self, argument):
        [(name, value)] = argument.items()
        with pytest.raises(ValueError, match=f"{name}={value}"):
            learner(**argument)
