"""Files that were made on TensorFlow predict the same on the other backends."""

import os
import subprocess
import sys

import numpy as np
import pytest

from fsl_keras.imports import backend
from tests.imports.predictions import make, predictions


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make(folder)
    return folder, predictions(folder)


def on(name, *command):
    environment = {**os.environ, "KERAS_BACKEND": name, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("name", ["jax", pytest.param("torch", marks=pytest.mark.slow)])
def test_predictions_are_those_on_tensorflow(made, name):
    pytest.importorskip(name, reason=f"needs the package {name}")
    folder, expected = made
    done = on(name, "-m", "tests.imports.predictions", folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / f"{name}.npz") as found:
        assert set(found) == set(expected)
        for what, values in expected.items():
            if values.dtype.kind == "U":
                assert found[what].tolist() == values.tolist(), what
            else:
                np.testing.assert_allclose(
                    found[what], values, rtol=1e-4, atol=1e-4, err_msg=what
                )


TRAINING = """
import fsl_keras as fsl
learner = fsl.from_preset("prototypical_conv4_glyphs")
learner.compile()
learner.fit(fsl.datasets.load("glyphs", "test").episodes(5, 1, 1), steps_per_epoch=1)
"""


def test_training_says_that_it_needs_tensorflow():
    pytest.importorskip("jax", reason="needs the package jax")
    done = on("jax", "-c", TRAINING)
    assert "RuntimeError: PrototypicalNetwork is trained" in done.stderr
    assert "TensorFlow" in done.stderr.splitlines()[-1]


def test_tensors_of_tensorflow_stay_as_they_are():
    value = np.ones(3)
    assert backend.native(value) is value
    assert backend.is_tensorflow()
