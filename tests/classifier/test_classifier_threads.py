"""Predictions in threads while another thread changes the classifier."""

import threading

import keras
import numpy as np
import pytest

import fsl_keras as fsl


def vectors(number, count=4):
    """Some vectors of the class with a number."""
    noise = np.random.default_rng(number).normal(size=(count, 6))
    return (2 * np.eye(6)[number] + noise).astype("float32")


QUERIES = np.concatenate([vectors(number, count=6)[4:] for number in range(6)])


@pytest.fixture(scope="module")
def learner():
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)])
    return fsl.models.PrototypicalNetwork(backbone)


@pytest.fixture
def classifier(learner):
    items = np.concatenate([vectors(number) for number in range(3)])
    return learner.adapt(items, np.repeat(["a", "b", "c"], 4))


PREDICT = {
    "predict": lambda c: c.predict(QUERIES, batch_size=2, verbose=0),
    "predict_on_batch": lambda c: c.predict_on_batch(QUERIES),
    "call": lambda c: np.asarray(c(QUERIES)),
    "predict_classes": lambda c: np.array(
        [list(p.probabilities.values()) for p in c.predict_classes(QUERIES)]
    ),
}

CHANGES = [
    lambda c: c.update("a", vectors(0, count=9)),
    lambda c: c.add_class("d", vectors(3)),
    lambda c: c.remove_example(5),
    lambda c: c.remove_class("b"),
    lambda c: c.relabel(8, "d"),
]


def version_of(answer, versions):
    """The number of the version that an answer is of, or None."""
    for number, version in enumerate(versions):
        if answer.shape == version.shape and np.abs(answer - version).max() < 1e-4:
            return number
    return None


def test_each_answer_is_that_of_before_or_of_after_a_change(learner, classifier):
    config = keras.saving.serialize_keras_object(classifier)
    other = keras.saving.deserialize_keras_object(config)
    other.set_weights(classifier.get_weights())
    versions = [PREDICT["predict"](other)]
    for change in CHANGES:
        change(other)
        versions.append(PREDICT["predict"](other))
        assert version_of(versions[-1], versions[:-1]) is None

    changed, seen, errors = threading.Event(), [], []

    def ask(predict):
        found = []
        try:
            last = False
            while not last:
                last = changed.is_set()
                found.append(version_of(predict(classifier), versions))
        except Exception as error:
            errors.append(error)
        seen.append(found)

    threads = [threading.Thread(target=ask, args=(p,)) for p in PREDICT.values()]
    for thread in threads:
        thread.start()
    for change in CHANGES:
        change(classifier)
    changed.set()
    for thread in threads:
        thread.join()
    assert not errors
    for found in seen:
        assert None not in found
        assert found == sorted(found)
        assert found[-1] == len(CHANGES)


def test_changes_in_threads_are_made_one_after_the_other(learner):
    classifier = learner.adapt(vectors(0), ["a"] * 4)
    threads = [
        threading.Thread(target=classifier.add_class, args=(name, vectors(number)))
        for number, name in enumerate("bcdef", start=1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(classifier.class_names) == list("abcdef")
    assert len(classifier.examples()) == 24
    order = classifier.class_names
    items = np.concatenate([vectors("abcdef".index(name)) for name in order])
    at_once = learner.adapt(items, np.repeat(order, 4), class_names=order)
    np.testing.assert_allclose(
        PREDICT["predict"](classifier), PREDICT["predict"](at_once), atol=1e-5
    )


def test_a_callback_of_predict_may_change_the_classifier(classifier):
    before = PREDICT["predict"](classifier)

    class Change(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            if batch == 0:
                classifier.add_class("d", vectors(3))

    answer = classifier.predict(QUERIES, 2, verbose=0, callbacks=[Change()])
    np.testing.assert_allclose(answer, before, atol=1e-6)
    assert PREDICT["predict"](classifier).shape == (12, 4)
