"""What the backbones of texts share."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.typing import Tensor

# Of texts that are embedded together: their number and that of their bytes, at most.
ROWS, BYTES = 64, 2**15
# That number in training, where batches are small.
TRAINED_ROWS = 32


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


class BatchedTextModel(TextModel):
    """Base of text models whose graph is large: it embeds texts in small batches.

    In inference each distinct text is embedded once, in batches of similar length, so
    that memory does not grow with the number of texts.
    """

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Any = None
    ) -> Tensor:
        if training:  # dropout differs for each text
            distinct, places = inputs, tf.range(tf.size(inputs))
        else:
            distinct, places = tf.unique(inputs)
        lengths = tf.strings.length(distinct)
        # The longest first, so that memory is bounded by the first text of a batch.
        order = tf.argsort(lengths, direction="DESCENDING")
        texts, lengths = tf.gather(distinct, order), tf.gather(lengths, order)
        found = self._in_batches(texts, lengths, training)
        return tf.gather(found, tf.gather(tf.math.invert_permutation(order), places))

    def _in_batches(self, texts, lengths, training):
        """Embeds texts in batches; `lengths` are in bytes."""
        count, rows = tf.size(texts), TRAINED_ROWS if training else ROWS
        shape = (None, self.output_shape[-1])

        def embed(start, found):
            longest = tf.maximum(tf.gather(lengths, start), 1)
            stop = start + tf.clip_by_value(BYTES // longest, 1, rows)
            some = super(BatchedTextModel, self).call(texts[start:stop], training)
            return stop, tf.concat([found, some], axis=0)

        start = (tf.constant(0), tf.zeros((0, shape[-1]), self.compute_dtype))
        return tf.while_loop(
            lambda start, found: start < count,
            embed,
            start,
            shape_invariants=(tf.TensorShape([]), tf.TensorShape(shape)),
            parallel_iterations=1,
        )[1]


def _as_tensor(texts):
    """Returns lists and arrays of strings as a tensor, and all else as it is."""
    if isinstance(texts, np.ndarray) and texts.dtype.kind in "UO":
        texts = texts.tolist()
    are_strings = isinstance(texts, (list, tuple)) and all(
        isinstance(text, (str, bytes)) for text in texts
    )
    return tf.constant(texts, "string") if are_strings else texts
