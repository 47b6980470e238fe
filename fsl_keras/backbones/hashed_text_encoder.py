"""Vectors of texts from the n-grams they contain."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.backbones.text_model import TextModel
from fsl_keras.layers.hashed_ngrams import HashedNGrams
from fsl_keras.layers.tf_idf import TfIdf
from fsl_keras.presets import HasPresets


@keras.saving.register_keras_serializable(package="fsl_keras")
class HashedTextEncoder(HasPresets, TextModel):
    """Embeds texts by their characters, words and pairs of words.

    It knows no language and so needs no pretrained weights, download or vocabulary: a
    text becomes the counts of its n-grams, hashed to a vector (`layers.HashedNGrams`)
    and scaled to length one (`layers.TfIdf`). Two texts are similar if they share words
    and parts of words, in any language and script. Where a pretrained model of the
    language is at hand, `SentenceEncoder` also finds texts similar that share none.

    The whole of it is a graph of TensorFlow operations, which takes raw strings.
    `adapt` weights n-grams by how rare they are in given texts, such as those of the
    support set. Linear classifiers suit the vectors best: with `adapt`,
    `models.TransferLearner(encoder, "logistic")`, and without it `"ridge"`.

    Args:
        features: integer, the length of a vector. Defaults to `4096`.
        ngrams: pair of integers, the smallest and the largest number of characters of
            an n-gram. Defaults to `(1, 3)`.
        window: integer, the maximum distance of two words that are a pair; 0 for no
            pairs. Defaults to `5`.
        max_length: integer, how many characters of a text are read; the rest has no
            effect. Defaults to `1000`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        texts: strings `[B]`.

    Returns:
        float32 vectors `[B, features]` of length one; that of a blank text is zero.

    Raises:
        ValueError: if an argument is out of range.

    Example:

    >>> encoder = HashedTextEncoder()
    >>> vectors = encoder(["Where is my card?", "where is my CARD", "Hello"]).numpy()
    >>> (vectors @ vectors.T)[0].round(1)
    array([1. , 0.9, 0.1], dtype=float32)
    """

    def __init__(
        self,
        features: int = 4096,
        ngrams: tuple[int, int] = (1, 3),
        window: int = 5,
        max_length: int = 1000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        counting = HashedNGrams(features, ngrams, window, max_length, name="ngrams")
        weighting = TfIdf(name="embedding")
        texts = keras.Input((), dtype="string", name="texts")
        outputs = weighting(counting(texts))
        super().__init__(inputs=texts, outputs=outputs, name=name, **kwargs)
        self.counting = counting
        self.weighting = weighting

    def adapt(self, texts: Any, batch_size: int = 256) -> None:
        """Computes the inverse document frequencies of n-grams from texts.

        Adapt the encoder before learners use it: those that adapted before compare
        with other vectors. Texts without labels do as well.

        Args:
            texts: list, array or tensor of strings, or a finite `tf.data.Dataset` of
                batches of strings.
            batch_size: integer, how many texts are read at a time.

        Raises:
            ValueError: if there are no texts.
        """
        if not isinstance(texts, tf.data.Dataset):
            texts = tf.data.Dataset.from_tensor_slices(list(texts)).batch(batch_size)
        total, counts = 0, np.zeros(self.output_shape[-1], "int64")
        for batch in texts:
            found = np.asarray(self.counting(batch)) > 0
            total, counts = total + len(found), counts + found.sum(axis=0)
        if not total:
            raise ValueError("`texts` must contain at least one text.")
        self.weighting.set_document_counts(counts, total)

    def get_config(self) -> dict[str, Any]:
        counting = self.counting.get_config()
        names = ("features", "ngrams", "window", "max_length")
        own = {name: counting[name] for name in names}
        return {**own, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "HashedTextEncoder":
        del custom_objects
        return cls(**config)
