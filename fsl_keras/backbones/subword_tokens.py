"""Subword tokens of texts, for the networks of keras-hub."""

import base64
from typing import Any

import keras
import tensorflow as tf

from fsl_keras.imports.keras_hub import keras_hub
from fsl_keras.typing import Shape, Tensor

# What a tokenizer needs and its configuration leaves out: that of WordPiece, of byte
# pairs, and of SentencePiece.
_VOCABULARY = ("vocabulary", "merges", "proto")

# In words of BERT's tokenizer: what separates them, and what is no part of them.
_SPACES = r"\p{Z}"
_INVISIBLE = r"[\p{Cf}\p{Co}\x{FFFD}]"

# The names of the first and the last token of a sequence, in different tokenizers.
_START = ("cls_token_id", "start_token_id")
_END = ("sep_token_id", "end_token_id")


@keras.saving.register_keras_serializable(package="fsl_keras")
class SubwordTokens(keras.layers.Layer):
    """Turns texts into the inputs of a network of keras-hub.

    Control characters and bytes that are not UTF-8 become spaces.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer`.
        names: list of strings, the inputs of the network.
        max_length: integer, the maximum number of tokens, with the first and the last
            one. Longer texts are cut.
        prefix: string, which is put before each text.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        texts: strings `[B]`.

    Returns:
        A dictionary with an int32 tensor `[B, L]` for each of `names`, where `L` is the
        number of tokens of the longest text.
    """

    def __init__(
        self,
        tokenizer: Any,
        names: list[str],
        max_length: int = 256,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.names = list(names)
        self.max_length = max_length
        self.prefix = prefix
        self.supports_jit = False
        self._ends = [_first_of(tokenizer, names) for names in (_START, _END)]
        # keras-hub computes tokens in Python outside of graphs, by other rules.
        self._ids = tf.function(
            self._tokenized,
            input_signature=[tf.TensorSpec([None], "string")],
            autograph=False,  # whose conversion takes longer than all else
        )
        self.built = True

    def call(self, texts: Tensor) -> dict[str, Tensor]:
        texts = cleaned(texts)
        ids = self._ids(tf.strings.join([self.prefix, texts]) if self.prefix else texts)
        first, last = (
            tf.fill([ids.nrows(), int(end is not None)], tf.cast(end or 0, ids.dtype))
            for end in self._ends
        )
        length = self.max_length - first.shape[1] - last.shape[1]
        ids = tf.concat([first, ids[:, :length], last], axis=1)
        padding = getattr(self.tokenizer, "pad_token_id", None) or 0
        inputs = {
            "token_ids": ids.to_tensor(padding),
            "padding_mask": tf.ones_like(ids).to_tensor(0),
            "segment_ids": tf.zeros_like(ids).to_tensor(0),
        }
        return {name: tf.cast(inputs[name], "int32") for name in self.names}

    def _tokenized(self, texts):
        """Returns ragged ids `[B, None]`."""
        tokenizer = self.tokenizer
        if not hasattr(tokenizer, "strip_accents"):
            return tokenizer.tokenize(texts)
        # BERT's own rules. Those of keras-hub know no other spaces than those of ASCII,
        # split words at invisible characters, and change "…" to "..." and "ß" to "ss".
        texts = tf.strings.regex_replace(texts, _SPACES, " ")
        texts = tf.strings.regex_replace(texts, _INVISIBLE, "")
        if not tokenizer.lowercase:
            return tokenizer.tokenize(texts)
        if tokenizer.strip_accents:  # before the letters become small
            import tensorflow_text as tf_text

            texts = tf_text.normalize_utf8(texts, "NFD")
            texts = tf.strings.regex_replace(texts, r"\p{Mn}", "")
        texts = tf.strings.lower(texts, encoding="utf-8")
        tokenizer.lowercase = False
        try:
            return tokenizer.tokenize(texts)
        finally:
            tokenizer.lowercase = True

    def compute_output_spec(self, texts: Any) -> dict[str, Any]:
        shape = (texts.shape[0], None)
        return {name: keras.KerasTensor(shape, "int32") for name in self.names}

    def compute_output_shape(self, input_shape: Shape) -> dict[str, Shape]:
        return dict.fromkeys(self.names, (input_shape[0], None))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tokenizer": serialized(self.tokenizer),
            "names": self.names,
            "max_length": self.max_length,
            "prefix": self.prefix,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SubwordTokens":
        keras_hub()  # so that Keras knows the tokenizer's class
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})


def cleaned(texts: Tensor) -> Tensor:
    """Returns texts with spaces for control characters and bytes that are not UTF-8."""
    return tf.strings.unicode_transcode(
        texts,
        "UTF-8",
        "UTF-8",
        replacement_char=ord(" "),
        replace_control_characters=True,
    )


def serialized(tokenizer: Any) -> dict[str, Any]:
    """Returns the configuration of a tokenizer with its vocabulary in it.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer`.
    """
    found = keras.saving.serialize_keras_object(tokenizer)
    for name in _VOCABULARY:
        value = getattr(tokenizer, name, None)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        if value is not None:
            found["config"][name] = value
    return found


def _first_of(tokenizer, names):
    """Returns the first of the attributes that a tokenizer has, or None."""
    found = (getattr(tokenizer, name, None) for name in names)
    return next((token for token in found if token is not None), None)
