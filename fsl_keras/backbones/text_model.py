"""What the backbones of texts share."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class TextModel(keras.Model):
    """Base of models of texts, which take lists and arrays of strings as well.

    Keras alone reads a list as several inputs, and refuses arrays of strings.
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(_as_tensor(inputs), *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        return super().predict(_as_tensor(x), *args, **kwargs)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        return super().predict_on_batch(_as_tensor(x))


def _as_tensor(texts):
    """Returns lists and arrays of strings as a tensor, and all else as it is."""
    if isinstance(texts, np.ndarray) and texts.dtype.kind in "UO":
        texts = texts.tolist()
    are_strings = isinstance(texts, (list, tuple)) and all(
        isinstance(text, (str, bytes)) for text in texts
    )
    return tf.constant(texts, "string") if are_strings else texts
