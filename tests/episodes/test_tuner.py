"""Datasets that people pass are read without TensorFlow's tuner."""

import inspect
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.episodes.tuner import ReadsUntuned, untuned
from fsl_keras.evaluation import evaluate
from fsl_keras.models import PrototypicalNetwork
from fsl_keras.pretraining import SupervisedPretraining
from tests.checks import random_classes


def is_tuned(data):
    return data.options().autotune.enabled is not False


def test_other_options_and_attributes_stay():
    options = tf.data.Options()
    options.threading.private_threadpool_size = 3
    options.deterministic = False
    data = tf.data.Dataset.range(5).with_options(options)
    data.class_names = ["heron"]
    plain = untuned(data)
    assert not is_tuned(plain)
    assert is_tuned(data)
    assert plain.options().threading.private_threadpool_size == 3
    assert plain.options().deterministic is False
    assert plain.class_names == ["heron"]
    assert [*plain.as_numpy_iterator()] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("name", "value"), [("enabled", True), ("cpu_budget", 2)])
def test_options_for_the_tuner_stay(name, value):
    options = tf.data.Options()
    setattr(options.autotune, name, value)
    data = tf.data.Dataset.range(5).with_options(options)
    assert untuned(data) is data


def test_parallel_calls_stay():
    """Two calls that wait for each other end only if they run at the same time."""
    barrier = threading.Barrier(2, timeout=20)

    def meet(i):
        barrier.wait()
        return i

    data = tf.data.Dataset.range(4).map(
        lambda i: tf.numpy_function(meet, [i], "int64"),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    data = untuned(data.prefetch(tf.data.AUTOTUNE))
    assert [*data.as_numpy_iterator()] == [0, 1, 2, 3]


@pytest.mark.parametrize("other", [None, 3, np.ones(2), [1], ({"a": 1}, 2)])
def test_anything_else_stays(other):
    assert untuned(other) is other


@pytest.fixture
def seen(monkeypatch):
    """The Datasets that Keras is given."""
    found = []
    for name in ("fit", "evaluate", "predict"):
        real = getattr(keras.Model, name)

        def given(self, x=None, *args, real=real, **kwargs):
            found.extend([x, kwargs.get("validation_data")])
            return real(self, x, *args, **kwargs)

        monkeypatch.setattr(keras.Model, name, given)
    return lambda: [x for x in found if isinstance(x, tf.data.Dataset)]


def test_models_read_untuned(seen):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    learner = PrototypicalNetwork(backbone)
    rng = np.random.default_rng(0)
    vectors = fsl.ClassDataset.from_arrays(
        rng.normal(size=(12, 4)), np.repeat([0, 1, 2], 4)
    )
    episode = next(iter(vectors.episodes(3, 1, 1)))
    episodes = tf.data.Dataset.from_tensors(episode)
    learner.compile()
    learner.fit(episodes, validation_data=episodes, verbose=0)
    learner.evaluate(episodes, verbose=0)
    assert learner.predict(episodes.map(lambda x, y: x), verbose=0).shape == (1, 3, 3)
    assert len(evaluate(learner, episodes).accuracies) == 1
    items = rng.normal(size=(6, 4)).astype("float32")
    labelled = tf.data.Dataset.from_tensor_slices((items, [0, 1, 2] * 2)).batch(2)
    classifier = learner.adapt(labelled)
    classifier.evaluate(labelled, verbose=0)
    classifier.predict(labelled.map(lambda x, y: x), verbose=0)
    model = SupervisedPretraining(backbone, classes=3)
    model.compile()
    model.fit(labelled, verbose=0)
    # `fit` evaluates its validation data by `evaluate`, which is counted too.
    assert len(seen()) >= 7
    assert not any(map(is_tuned, seen()))


def test_fit_shuffles_arrays_and_no_datasets():
    seen = []

    class Watched(SupervisedPretraining):
        def train_step(self, data):
            seen.extend(data[0].numpy().ravel().tolist())
            return super().train_step(data)

    backbone = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    model = Watched(backbone, classes=2)
    model.compile(run_eagerly=True)
    items, labels = np.arange(32, dtype="float32")[:, None], np.arange(32) % 2
    data = tf.data.Dataset.from_tensor_slices((items, labels)).batch(8)
    model.fit(data, verbose=0)
    assert seen == items.ravel().tolist()
    seen.clear()
    keras.utils.set_random_seed(0)
    model.fit(items, labels, batch_size=8, verbose=0)
    assert seen != items.ravel().tolist()
    assert sorted(seen) == items.ravel().tolist()


def test_the_signatures_are_those_of_keras():
    for name in ("fit", "evaluate", "predict"):
        own, other = (getattr(m, name) for m in (SupervisedPretraining, keras.Model))
        assert inspect.signature(own) == inspect.signature(other)
        assert own.__doc__ == other.__doc__


def test_class_names_of_a_dataset_are_learned():
    data = random_classes(2, 3, (16, 16, 1))
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=2)
    items = np.concatenate([data.class_items(n) for n in data.class_names])
    stream = tf.data.Dataset.from_tensor_slices((items, [0] * 3 + [1] * 3)).batch(2)
    stream.class_names = ["egret", "heron"]
    classifier = PrototypicalNetwork(backbone).adapt(stream)
    assert classifier.class_names == ["egret", "heron"]


def test_the_first_step_is_traced_once():
    traces = []

    class Traced(ReadsUntuned, keras.Model):
        def train_step(self, data):
            traces.append(data)
            return super().train_step(data)

    items = keras.Input((2,))
    model = Traced(items, keras.layers.Dense(1)(items))
    model.compile("adam", "mse", jit_compile=False)
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), batch_size=2, verbose=0)
    assert len(traces) == 1
