"""Tells whether the weights of a model are still the same."""

from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.imports.backend import is_tensorflow
from fsl_keras.typing import Model


class WeightsWatch:
    """Tells whether the weights of a model are still the same.

    It compares where their values are in memory, which takes a fraction of the time of
    reading them, as `weights_digest` does: TensorFlow writes new values elsewhere while
    the old ones are held, as they are here. Where NumPy gets a copy of a value, as from
    a GPU, and on other backends, weights are never found to be the same.

    Args:
        model: a Keras model.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> watch = WeightsWatch(model)
    >>> watch.remember("trained")
    >>> watch.matches("trained"), watch.matches("other")
    (True, False)
    """

    def __init__(self, model: Model):
        self._model = model
        self._weights: list = []
        self._read: Any = None
        self._arrays: list[np.ndarray] = []
        self._fingerprint: str | None = None

    def remember(self, fingerprint: str) -> None:
        """Remembers that the weights, as they are now, have a fingerprint."""
        self._fingerprint = fingerprint
        if not is_tensorflow():
            return
        self._weights = self._model.weights
        variables = [weight.value for weight in self._weights]
        # One call of a graph reads all of them.
        self._read = tf.function(lambda: [v.value() for v in variables])
        self._arrays = self._read_arrays()

    def matches(self, fingerprint: str | None) -> bool:
        """Returns whether the weights are unchanged since they had the fingerprint."""
        if fingerprint is None or fingerprint != self._fingerprint:
            return False
        if not is_tensorflow():
            return False
        if list(map(id, self._model.weights)) != list(map(id, self._weights)):
            return False
        # Both are held while they are compared, so that no copy is at an old address.
        arrays = self._read_arrays()
        return _addresses_of(arrays) == _addresses_of(self._arrays)

    def _read_arrays(self):
        return [np.asarray(value) for value in self._read()]


def _addresses_of(arrays):
    return [array.__array_interface__["data"][0] for array in arrays]
