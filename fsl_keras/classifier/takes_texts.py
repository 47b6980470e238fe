"""Lists and arrays of strings, where Keras takes tensors of strings alone."""

from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.inputs import texts_of
from fsl_keras.typing import Model


class TakesTexts:
    """Mixin of a Keras model whose calls take texts as lists and arrays of strings.

    The model has a `learner` and its `preprocessing`.
    """

    learner: Model
    preprocessing: Model

    @property
    def item_kind(self) -> str:
        """What an item is: `"image"`, `"text"` (a string) or `"array"`."""
        if self.preprocessing is not None:
            return "image"
        return "text" if self.learner.item_dtype == "string" else "array"

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(  # type: ignore[misc]
            self._strings(images), *args, **kwargs
        )

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns probabilities `[n, N]`, as `keras.Model.predict` does.

        Args:
            x: batched items, as `keras.Model.predict` takes them; texts also as a list,
                an array or a pandas Series of strings, or as one string.
            *args: further arguments of `keras.Model.predict`.
            **kwargs: further arguments of `keras.Model.predict`.
        """
        return super().predict(  # type: ignore[misc]
            self._strings(x), *args, **kwargs
        )

    def predict_on_batch(self, x: Any) -> Any:
        """Returns probabilities, as `keras.Model.predict_on_batch` does."""
        return super().predict_on_batch(self._strings(x))  # type: ignore[misc]

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Returns loss and metrics, as `keras.Model.evaluate` does."""
        return super().evaluate(  # type: ignore[misc]
            self._strings(x), *args, **kwargs
        )

    def test_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns loss and metrics, as `keras.Model.test_on_batch` does."""
        return super().test_on_batch(  # type: ignore[misc]
            self._strings(x), *args, **kwargs
        )

    def _strings(self, items):
        """Returns texts as a tensor, and other inputs as they are."""
        is_text = isinstance(items, (str, bytes, list, tuple, np.ndarray, np.generic))
        if self.item_kind == "text" and (is_text or hasattr(items, "to_numpy")):
            return tf.constant(texts_of(items))
        return items
