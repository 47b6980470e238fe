"""Counts of the n-grams of texts, without a vocabulary."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.typing import Shape, Tensor

# Odd 64-bit numbers: the base of the polynomial that hashes characters, and a factor
# for each kind of n-gram, so that a word is no other n-gram of the same characters.
BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 2**64)
OF_CHARACTERS = 0xD6E8FEB86659FD93
OF_WORDS = 0xA0761D6478BD642F
OF_PAIRS = 0xE7037ED1A0B428DB

BLANK = ord(" ")


@keras.saving.register_keras_serializable(package="fsl_keras")
class HashedNGrams(keras.layers.Layer):
    """Counts the character n-grams, words and pairs of words of texts.

    An n-gram is counted at the position that its hash gives, so no vocabulary is
    needed, and every language and script is covered. Character n-grams do not cross
    words: they are those of each word between two blanks, as of `"char_wb"` in
    scikit-learn. Pairs of words are ordered and at most `window` words apart, also
    called skip-bigrams.

    Characters are Unicode code points. Texts are lowercased; control characters and
    bytes that are not UTF-8 become blanks; formatting characters such as a byte order
    mark are removed; each punctuation mark and each symbol is a word. Unicode is not
    normalized: give texts in NFC.

    All of it is computed by TensorFlow on integers, so the counts do not depend on the
    machine or the other texts of a batch.

    Reference:

    - [Weinberger et al., 2009](https://arxiv.org/abs/0902.2206), on hashing
    - [Guthrie et al., 2006](https://aclanthology.org/L06-1210/), on skip-bigrams

    Args:
        features: integer, the length of the vectors. Defaults to `4096`.
        ngrams: pair of integers, the smallest and the largest number of characters of
            an n-gram. Defaults to `(1, 3)`.
        window: integer, the maximum distance of two words that are a pair; 0 for no
            pairs. Defaults to `5`.
        max_length: integer, how many characters of a text are read; the rest has no
            effect. Defaults to `1000`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        texts: strings `[B]`.

    Returns:
        float32 counts `[B, features]`.

    Raises:
        ValueError: if an argument is out of range.

    Example:

    >>> counts = HashedNGrams(64, ngrams=(2, 2), window=0)(tf.constant(["Oh", ""]))
    >>> counts.numpy().sum(axis=1)  # " o", "oh", "h " and the word "oh"
    array([4., 0.], dtype=float32)
    """

    def __init__(
        self,
        features: int = 4096,
        ngrams: tuple[int, int] = (1, 3),
        window: int = 5,
        max_length: int = 1000,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        smallest, largest = ngrams
        if not (features >= 1 and 1 <= smallest <= largest and window >= 0):
            raise ValueError(
                f"`features` must be at least 1, `ngrams` a pair of integers from 1 "
                f"on, the smaller first, and `window` at least 0. Received: "
                f"features={features!r}, ngrams={ngrams!r}, window={window!r}"
            )
        if max_length < 1:
            raise ValueError(
                f"`max_length` must be at least 1. Received: max_length={max_length!r}"
            )
        self.features = features
        self.ngrams = (smallest, largest)
        self.window = window
        self.max_length = max_length
        self.supports_jit = False
        self.built = True

    def call(self, texts: Tensor) -> Tensor:
        # Strings are on the CPU; copying integers to a GPU would take longer.
        with tf.device("CPU:0"):
            return self._counts(texts)

    def _counts(self, texts):
        characters = tf.strings.unicode_decode(self._clean(texts), "UTF-8")
        count = characters.nrows()
        hashes, rows = zip(*self._ngrams(characters), strict=True)
        hashes, rows = tf.concat(hashes, axis=0), tf.concat(rows, axis=0)
        # Every bit of a hash has an effect on the upper half, which is taken.
        hashes = _upper(tf.bitwise.bitwise_xor(hashes, _upper(hashes)) * _integer(BASE))
        places = tf.cast(_upper(hashes * _integer(self.features)), "int64")
        places += rows * self.features
        # Segments below 0, of rows that are -1, are left out.
        counts = tf.math.unsorted_segment_sum(
            tf.ones_like(places, "float32"), places, count * self.features
        )
        return tf.reshape(counts, (-1, self.features))

    def _clean(self, texts):
        """Returns lowercase texts, with one blank around each word and at the ends."""
        texts = tf.strings.unicode_transcode(
            texts,
            "UTF-8",
            "UTF-8",
            replacement_char=BLANK,
            replace_control_characters=True,  # `lower` ends at a null character
        )
        texts = tf.strings.substr(texts, 0, self.max_length, unit="UTF8_CHAR")
        texts = tf.strings.lower(texts, encoding="utf-8")
        texts = tf.strings.regex_replace(texts, r"\p{Cf}+", "")
        texts = tf.strings.regex_replace(texts, r"[\p{P}\p{S}]", r" \0 ")
        texts = tf.strings.join([" ", texts, " "])
        return tf.strings.regex_replace(texts, r"[\s\p{Z}\p{Cc}]+", " ")

    def _ngrams(self, characters):
        """Yields pairs of the hashes of n-grams and the rows of their texts.

        The row is -1 where there is no n-gram.
        """
        codes, rows = tf.cast(characters.values, "uint64"), characters.value_rowids()
        is_letter = tf.not_equal(characters.values, BLANK)
        powers, inverses = (
            tf.math.cumprod(tf.fill([tf.size(codes)], _integer(base)), exclusive=True)
            for base in (BASE, INVERSE)
        )
        # The hash of a substring is the difference of two sums, times an inverse power.
        sums = _sums(codes * powers)
        letters = _sums(tf.cast(is_letter, "int32"))
        for length in range(self.ngrams[0], self.ngrams[1] + 1):
            last = tf.maximum(tf.size(codes) + 1 - length, 0)
            hashes = (sums[length:] - sums[:-length]) * inverses[:last]
            # Only the first and the last character may be a blank, and not all.
            inside = letters[length - 1 : -1] - letters[1:][:last]
            is_ngram = (inside == length - 2) & (letters[length:] > letters[:-length])
            row = tf.where(is_ngram, rows[:last], -1)
            yield hashes * _integer(OF_CHARACTERS), row
        starts = 1 + tf.where(~is_letter[:-1] & is_letter[1:])[:, 0]
        ends = 1 + tf.where(is_letter[:-1] & ~is_letter[1:])[:, 0]
        words = tf.gather(sums, ends) - tf.gather(sums, starts)
        words, rows = words * tf.gather(inverses, starts), tf.gather(rows, starts)
        yield words * _integer(OF_WORDS), rows
        # Every word with each of those that follow it; no text has the row -2.
        pairs = tf.range(tf.size(words))[:, None] + tf.range(1, self.window + 1)
        second = tf.gather(tf.pad(words, [[0, self.window]]), pairs)
        row = tf.gather(tf.pad(rows, [[0, self.window]], constant_values=-2), pairs)
        row = tf.where(row == rows[:, None], row, -1)
        hashes = words[:, None] * _integer(BASE) + second
        yield tf.reshape(hashes * _integer(OF_PAIRS), [-1]), tf.reshape(row, [-1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.features)

    def compute_output_spec(self, texts: Tensor) -> Tensor:
        return keras.KerasTensor(self.compute_output_shape(texts.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "features": self.features,
            "ngrams": self.ngrams,
            "window": self.window,
            "max_length": self.max_length,
        }


def _integer(value):
    """Returns a constant of the type that hashes have: sums and products wrap."""
    return tf.constant(value, "uint64")


def _upper(hashes):
    return tf.bitwise.right_shift(hashes, _integer(32))


def _sums(values):
    """Returns the sums of the first 0, 1, 2, ... values `[n]`, `[n + 1]`."""
    return tf.concat([tf.zeros([1], values.dtype), tf.cumsum(values)], axis=0)
