"""Weights of terms by how rare they are."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class TfIdf(keras.layers.Layer):
    """Weights counts of terms (tf-idf) and scales each vector to length one.

    A component is the square root of the count, times the inverse document frequency
    of the term. The root is a sublinear term frequency, like `1 + log(count)`: the
    tenth occurrence of a term tells less than the first. Inverse document frequencies
    are a non-trainable weight, which is one until `set_document_counts` sets it.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        counts: floats `[B, D]`, the count of each term in each text.

    Returns:
        float32 `[B, D]`, of length one, or zeros where all counts are zero.

    Example:

    >>> layer = TfIdf()
    >>> layer(np.array([[9.0, 16.0], [0.0, 0.0]], "float32")).numpy()
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def build(self, input_shape: Shape) -> None:
        self.idf = self.add_weight(
            name="idf", shape=(input_shape[-1],), initializer="ones", trainable=False
        )

    def set_document_counts(self, counts: Tensor, total: int) -> None:
        """Sets the inverse document frequencies, as scikit-learn's `smooth_idf` does.

        Args:
            counts: integer array `[D]`, in how many texts each term occurs.
            total: integer, the number of texts.
        """
        rarity = (1 + total) / (1 + np.asarray(counts, "float64"))
        self.idf.assign(1 + np.log(rarity))

    def call(self, counts: Tensor) -> Tensor:
        counts = ops.cast(counts, "float32")
        return to_unit_length(ops.sqrt(counts) * self.idf)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
