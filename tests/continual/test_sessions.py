"""Learners that learn one session after another."""

import warnings

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras import continual
from fsl_keras.continual import HerdingExemplars
from fsl_keras.models import TransferLearner
from tests import shapes
from tests.continual.clusters import NAMES, vectors
from tests.shapes import pictures


def learner(head):
    embeddings = keras.Input((8,))
    identity = keras.Model(embeddings, keras.layers.Identity()(embeddings))
    return TransferLearner(identity, head)


SESSIONS = [vectors(NAMES[start : start + 2], 8, seed=start) for start in (0, 2, 4)]
TEST = vectors(NAMES, 20, seed=9)


def evaluate(head, sessions=SESSIONS, test=TEST, **kwargs):
    return continual.evaluate(learner(head), sessions, test, cache=False, **kwargs)


def logits_of_centroids(sessions, query):
    """Minus the squared distances to the mean of each class, and their names."""
    items = np.concatenate([items for items, _ in sessions])
    labels = np.concatenate([labels for _, labels in sessions])
    names = np.unique(labels)
    means = np.stack([items[labels == name].mean(axis=0) for name in names])
    return -np.square(query[:, None] - means).sum(axis=-1), names


def test_accuracies_are_those_of_a_classifier_of_the_sessions_so_far():
    found = evaluate("prototypes")
    items, labels = TEST[0], np.asarray(TEST[1])
    for last in range(3):
        logits, names = logits_of_centroids(SESSIONS[: last + 1], items)
        for among in range(last + 1):
            known = NAMES[: 2 * among + 2]
            predicted = names[
                np.where(np.isin(names, known), logits, -np.inf).argmax(1)
            ]
            for session in range(among + 1):
                of_session = np.isin(labels, NAMES[2 * session : 2 * session + 2])
                expected = (predicted == labels)[of_session].mean()
                assert found.accuracies[last, session, among] == expected
    assert np.isnan(found.accuracies[0, 1]).all()
    assert found.classes == [NAMES[:2], NAMES[2:4], NAMES[4:]]
    assert found.examples.tolist() == [40, 40, 40]


@pytest.mark.parametrize("head", ["prototypes", "cosine", "lda", "streaming_ridge"])
def test_exact_memories_are_as_if_all_had_been_learned_at_once(head):
    found = evaluate(head)
    assert found.joint_gap == 0.0
    reversed_order = evaluate(head, SESSIONS[::-1])
    assert reversed_order.last_accuracy == found.last_accuracy
    # Sums: of a class more or of all classes, never of examples.
    per_class = {"lda": 9 * 8, "streaming_ridge": 9 * 8}.get(head, 9 * 4)
    shared = 8 * 64 if per_class == 72 else 0
    expected = [shared + per_class * count for count in (2, 4, 6)]
    assert found.memory_bytes.tolist() == expected
    assert (found.seconds > 0).all()


def test_prototypes_do_not_change_so_that_nothing_is_forgotten_among_known_classes():
    found = evaluate("prototypes", [vectors(NAMES, 1, seed=3), *SESSIONS[1:]])
    assert evaluate("prototypes").forgetting_among_known == 0.0
    # The later examples of a class move its own prototype.
    assert found.forgetting_among_known != 0.0


def test_a_class_that_comes_back_gains_examples():
    again = vectors(NAMES[:2], 8, seed=30)
    found = evaluate("prototypes", [*SESSIONS, again])
    assert found.classes[-1] == []
    assert found.examples.tolist() == [40, 40, 40, 0]
    logits, names = logits_of_centroids([*SESSIONS, again], TEST[0])
    expected = np.mean(names[logits.argmax(1)] == np.asarray(TEST[1]))
    assert found.last_accuracy == pytest.approx(expected)


def test_a_session_of_one_example_and_mixed_sessions():
    sessions = [
        vectors(["elm"], 1),
        vectors(["ash", "elm", "birch"], 2, seed=1),
    ]
    found = evaluate("lda", sessions)
    assert found.classes == [["elm"], ["ash", "birch"]]
    assert found.accuracy_by_session[0] == 1.0  # there is no other class yet
    assert found.joint_gap == 0.0


def test_data_sets_of_images():
    data = fsl.ClassDataset.from_arrays(*pictures(shapes.NAMES, count=3))
    test = fsl.ClassDataset.from_arrays(*pictures(shapes.NAMES, count=5, seed=100))
    layers = [keras.Input((20, 24, 3)), keras.layers.AveragePooling2D(4)]
    pixels = keras.Sequential([*layers, keras.layers.Flatten()])
    parts = [data.subset(["disk", "bar"]), data.subset(["frame"])]
    learner = TransferLearner(pixels, "cosine")
    found = continual.evaluate(learner, parts, test, cache=False)
    assert found.classes == [["disk", "bar"], ["frame"]]
    assert found.examples.tolist() == [10, 5]
    assert found.last_accuracy == 1.0


def test_a_learner_without_embeddings():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    maml = fsl.models.ProtoMAML(model, inner_steps=1)
    sessions = [vectors(NAMES[:2], 2), vectors(NAMES[2:3], 2)]
    found = continual.evaluate(maml, sessions, TEST)
    assert found.joint_gap == pytest.approx(0.0, abs=0.02)


# `pytest.warns` issues other warnings again, here one of Keras.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
class TestClassesUnderAnotherName:
    def test_the_same_examples(self):
        again = (SESSIONS[0][0][:8], ["aspen"] * 8)
        test = (np.concatenate([TEST[0], again[0]]), [*TEST[1], *again[1]])
        with pytest.warns(UserWarning, match="Session 1 .*'aspen' like 'ash'"):
            evaluate("prototypes", [SESSIONS[0], again], test)

    def test_other_examples_of_the_class(self):
        many = vectors(NAMES[:2], 40)
        again = (vectors(["ash"], 40, seed=5)[0], ["aspen"] * 40)
        test = (np.concatenate([TEST[0], again[0]]), [*TEST[1], *again[1]])
        with pytest.warns(UserWarning, match="'aspen' like 'ash'"):
            evaluate("prototypes", [many, again], test)

    def test_other_classes_are_no_reason_to_warn(self):
        with warnings.catch_warnings(record=True) as found:
            evaluate("prototypes", [vectors(NAMES[:3], 30), vectors(NAMES[3:], 30)])
            evaluate("prototypes", [vectors([name], 1) for name in NAMES])
        assert not [w for w in found if "other names" in str(w.message)]


class TestErrors:
    def test_an_empty_session(self):
        empty = (np.zeros((0, 8), "float32"), [])
        with pytest.raises(ValueError, match="Session 1 is empty"):
            evaluate("prototypes", [SESSIONS[0], empty])

    def test_no_session(self):
        with pytest.raises(ValueError, match="`sessions` is empty"):
            evaluate("prototypes", [])

    def test_exemplars_of_another_call(self):
        exemplars = HerdingExemplars(10**6)
        exemplars.add(*SESSIONS[0])
        with pytest.raises(ValueError, match="`exemplars` has items already"):
            evaluate("logistic", exemplars=exemplars)

    def test_a_class_without_test_examples(self):
        with pytest.raises(ValueError, match=r"no examples of the classes \['birch'\]"):
            evaluate("prototypes", test=vectors(["ash", *NAMES[2:]], 2))

    def test_a_learner_of_a_fixed_number_of_classes(self):
        head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
        with pytest.raises(ValueError, match="fixed number of classes"):
            continual.evaluate(fsl.models.MAML(head), SESSIONS, TEST)


class TestExemplars:
    def test_a_memory_of_everything_is_learning_all_at_once(self):
        found = evaluate("logistic", exemplars=HerdingExemplars(10**6))
        assert found.joint_gap == pytest.approx(0.0, abs=1e-6)
        # 48 vectors of 8 float32.
        assert found.memory_bytes.tolist() == [16 * 32, 32 * 32, 48 * 32]

    def test_a_small_memory_forgets(self):
        found = evaluate("logistic", exemplars=HerdingExemplars(3 * 32))
        assert found.memory_bytes.tolist() == [3 * 32] * 3
        assert found.last_accuracy < found.joint_accuracy
