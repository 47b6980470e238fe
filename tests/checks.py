"""Checks that many classes go through, each a call with the class at hand."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest

from fsl_keras import ClassDataset


def rows(names, usual):
    """Rows of a table for `parametrize`; those that are not usual are marked slow."""
    return [
        pytest.param(name, marks=() if name in usual else pytest.mark.slow, id=name)
        for name in names
    ]


def assert_config_round_trip(instance):
    """An object, written as a configuration and read, has the same configuration."""
    config = keras.saving.serialize_keras_object(instance)
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(instance)
    assert keras.saving.serialize_keras_object(copy)["config"] == config["config"]


def assert_symbolic_shape(layer, *inputs, **kwargs):
    """The shape computed without numbers is that of the numbers."""
    symbols = keras.tree.map_structure(
        lambda x: keras.KerasTensor(x.shape, str(x.dtype)), inputs
    )
    spec = layer.compute_output_spec(*symbols, **kwargs)
    numbers = layer(*inputs, **kwargs)
    assert tuple(spec.shape) == tuple(numbers.shape)
    assert spec.dtype == keras.backend.standardize_dtype(numbers.dtype)


def assert_same_predictions_after_saving(model, inputs, path):
    """A model, saved and loaded, predicts the same numbers."""
    model.save(path)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(
        loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )
    return loaded


def run_python(code, *arguments):
    """Runs code in a fresh process and returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_batches(some, others):
    """Two finite datasets hold the same numbers in the same order."""
    some, others = (list(stream.as_numpy_iterator()) for stream in (some, others))
    assert len(some) == len(others) > 0
    for one, other in zip(some, others, strict=True):
        keras.tree.assert_same_structure(one, other)
        pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
        for array, same in pairs:
            np.testing.assert_array_equal(array, same)


def with_shared_streams(data):
    """A data set that traces each stream once, however many tests ask for it.

    A stream begins anew each time it is read, so they have nothing else in common.
    """
    subset = data.subset
    data.subset = functools.cache(lambda *args: with_shared_streams(subset(*args)))
    data.episodes = functools.cache(data.episodes)
    return data


def random_classes(classes, items, shape=(16, 16, 1), seed=0):
    """A data set whose classes are a random picture each, with noise."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(0, 200, (classes, 1, *shape))
    noise = generator.integers(0, 56, (classes, items, *shape))
    pictures = (centres + noise).astype("uint8").reshape(-1, *shape)
    names = [f"class {number}" for number in range(classes)]
    labels = np.repeat(np.arange(classes), items)
    return ClassDataset.from_arrays(pictures, labels, names, "random")
