"""Random omission of words."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation, to_seed
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class WordDropout(Augmentation):
    """Leaves out words of each text at random.

    Words are what blanks separate; those that stay are joined by single blanks. A text
    of which no word would be left stays as it is, and so does a text without blanks,
    as in languages that are written without them.

    Reference:

    - [Iyyer et al., 2015](https://aclanthology.org/P15-1162/)

    Args:
        rate: float from 0 to 1, the probability of a word to be left out. Defaults to
            `0.15`.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        texts: strings `[...]`.
        training: bool, whether to augment.

    Returns:
        Strings of the same shape.

    Raises:
        ValueError: If `rate` is out of range.

    Example:

    >>> layer = WordDropout(rate=0.5)
    >>> layer.transform(["where is my new card", "hello"], seed=(7, 0)).shape
    TensorShape([2])
    """

    def __init__(
        self, rate: float = 0.15, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        check_numbers(rate=rate, high=1.0)
        self.rate = rate
        self.supports_jit = False  # XLA has no strings

    def transform(self, texts: Tensor, seed: Tensor) -> Tensor:  # type: ignore[override]
        """Leaves out words at random.

        Args:
            texts: strings `[...]`.
            seed: two integers; the same seed leaves out the same words.
        """
        texts = tf.convert_to_tensor(texts, "string")
        flat = tf.reshape(texts, [-1])
        words = tf.strings.split(flat)
        draws = uniform(to_seed(seed), tf.shape(words.flat_values))
        is_kept = words.with_flat_values(draws >= self.rate)
        kept = tf.strings.reduce_join(
            tf.ragged.boolean_mask(words, is_kept), axis=-1, separator=" "
        )
        return tf.reshape(tf.where(kept == "", flat, kept), tf.shape(texts))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}
