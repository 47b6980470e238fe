"""Refuses the backends of Keras that the package does not run on."""

import json
import os
import pathlib
import sys

BACKEND = "tensorflow"


def check() -> None:
    """Raises an `ImportError` if Keras uses, or will use, another backend."""
    found, setting = _backend()
    if found != BACKEND:
        raise ImportError(
            f"fsl_keras runs on the TensorFlow backend of Keras: set {setting} to "
            f'"{BACKEND}" before Keras is imported. Received: "{found}"'
        )


def _backend() -> tuple[str, str]:
    """Returns the backend of Keras, and the setting that chooses it."""
    variable = "KERAS_BACKEND"
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend(), variable
    if os.environ.get(variable):
        return os.environ[variable], variable
    folder = os.environ.get("KERAS_HOME", "~/.keras")
    path = pathlib.Path(folder, "keras.json").expanduser()
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        return settings["backend"], f'"backend" in {path}'
    except (OSError, ValueError, KeyError, TypeError):
        return BACKEND, variable  # as Keras does
