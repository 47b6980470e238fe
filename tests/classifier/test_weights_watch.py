import keras
import numpy as np
import pytest

from fsl_keras.classifier.weights_watch import WeightsWatch


@pytest.fixture
def model():
    dense = keras.layers.Dense(3)
    return keras.Sequential([keras.Input((2,)), dense, keras.layers.Dropout(0.5)])


@pytest.fixture
def watch(model):
    watch = WeightsWatch(model)
    watch.remember("first")
    return watch


def test_weights_that_nobody_changes(model, watch):
    model.predict(np.ones((1, 2)), verbose=0)
    assert watch.matches("first")
    assert watch.matches("first")


def test_one_value_of_one_weight(model, watch):
    bias = model.weights[1]
    bias.assign(bias + np.array([0, 0, 1e-6], "float32"))
    assert not watch.matches("first")


def test_equal_values_that_were_written_again_need_a_full_comparison(model, watch):
    model.set_weights(model.get_weights())
    assert not watch.matches("first")
    watch.remember("first")
    assert watch.matches("first")


def test_training(model, watch):
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    assert not watch.matches("first")


def test_an_addition_in_place(model, watch):
    model.weights[0].value.assign_add(np.ones((2, 3), "float32"))
    assert not watch.matches("first")


def test_a_weight_more(model, watch):
    model.add(keras.layers.Dense(1))
    model.build()
    assert not watch.matches("first")


def test_weights_of_a_file(model, watch, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    model.load_weights(tmp_path / "model.weights.h5")
    assert not watch.matches("first")


def test_nothing_is_remembered_at_first(model):
    assert not WeightsWatch(model).matches(None)


def test_another_fingerprint(watch):
    assert not watch.matches("second")


def test_values_that_numpy_copies_are_never_found_unchanged(model, watch):
    read = watch._read
    watch._read = lambda: [np.array(value) for value in read()]  # as from a GPU
    assert not any(watch.matches("first") for _ in range(20))
    watch._arrays = watch._read_arrays()
    assert not any(watch.matches("first") for _ in range(20))
