"""The backend of Keras: TensorFlow, or another one for predictions alone."""

import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

TENSORFLOW = "tensorflow"
# Classifiers predict and learners are evaluated on these too.
OTHERS = ("jax", "torch")


def check() -> None:
    """Raises an `ImportError` if Keras uses, or will use, a backend that is unknown."""
    found, setting = _backend()
    if found not in (TENSORFLOW, *OTHERS):
        raise ImportError(
            f"fsl_keras runs on the TensorFlow backend of Keras, and predicts on "
            f"{' and '.join(OTHERS)}: set {setting} to one of them before Keras is "
            f'imported. Received: "{found}"'
        )


def is_tensorflow() -> bool:
    """Returns whether Keras runs on TensorFlow."""
    return _backend()[0] == TENSORFLOW


def check_can_train(model: Any) -> None:
    """Raises an error if Keras runs on a backend on which nothing is trained here.

    Args:
        model: a Keras model, for the message.

    Raises:
        RuntimeError: if the backend is not TensorFlow.
    """
    if not is_tensorflow():
        raise RuntimeError(
            f"{type(model).__name__} is trained and evaluated by Keras on the "
            f'TensorFlow backend: set KERAS_BACKEND to "{TENSORFLOW}" for it. Files '
            f"can be loaded on the other backends, and `evaluation.evaluate` runs on "
            f"them. Received: {_backend()[0]!r}"
        )


def compiled(function: Callable) -> Callable:
    """Returns a function of tensors, compiled where the backend is TensorFlow."""
    if not is_tensorflow():
        return function
    import tensorflow as tf

    return tf.function(function, reduce_retracing=True)


def native(values: Any) -> Any:
    """Returns arrays or tensors of TensorFlow, in any structure, as the backend's own.

    Training data, images and texts are read by TensorFlow on every backend.
    """
    if is_tensorflow():
        return values
    import keras
    import numpy as np

    return keras.tree.map_structure(
        lambda value: keras.ops.convert_to_tensor(np.asarray(value)), values
    )


def most_precise() -> str:
    """Returns `"float64"`, or `"float32"` where JAX is not in its 64-bit mode."""
    if "jax" in sys.modules and _backend()[0] == "jax":
        return "float64" if sys.modules["jax"].config.jax_enable_x64 else "float32"
    return "float64"


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
        return TENSORFLOW, variable  # as Keras does
