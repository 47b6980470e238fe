"""A backend that is unknown is refused at import, before anything heavy."""

import json
import os
import subprocess
import sys

import pytest

from fsl_keras.imports import backend


def error_of(code, **variables):
    """Returns the last line that a fresh process writes to standard error."""
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


HEAVY = """
import sys
try:
    import fsl_keras
finally:
    assert not {"keras", "tensorflow", "jax"} & sys.modules.keys()
"""


def test_of_the_variable():
    assert error_of(HEAVY, KERAS_BACKEND="openvino") == (
        "ImportError: fsl_keras runs on the TensorFlow backend of Keras, and predicts "
        "on jax and torch: set KERAS_BACKEND to one of them before Keras is imported. "
        'Received: "openvino"'
    )
    for name in ("tensorflow", "jax", "torch"):
        assert error_of(HEAVY, KERAS_BACKEND=name) == ""


def test_of_the_configuration_file(tmp_path):
    file = tmp_path / "keras.json"
    file.write_text(json.dumps({"backend": "openvino"}), encoding="utf-8")
    error = error_of(HEAVY, KERAS_HOME=str(tmp_path))
    assert f'set "backend" in {file} to one of them' in error
    assert error_of(HEAVY, KERAS_HOME=str(tmp_path), KERAS_BACKEND="tensorflow") == ""
    file.write_text("{}", encoding="utf-8")
    assert error_of(HEAVY, KERAS_HOME=str(tmp_path)) == ""


def test_an_imported_keras_is_asked_itself(monkeypatch):
    import keras

    assert keras.config.backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    backend.check()
    monkeypatch.delitem(sys.modules, "keras")
    with pytest.raises(ImportError, match='Received: "openvino"'):
        backend.check()
