"""Embeddings of sentences by a pretrained language model."""

import os
from typing import Any

import keras
from keras import ops

from fsl_keras.backbones.hub import load
from fsl_keras.backbones.subword_tokens import SubwordTokens
from fsl_keras.backbones.text_model import BatchedTextModel
from fsl_keras.imports.keras_hub import keras_hub
from fsl_keras.presets import HasPresets
from fsl_keras.typing import Model, Path, Shape, Tensor

POOLINGS = ("mean", "cls")


@keras.saving.register_keras_serializable(package="fsl_keras")
class SentenceEncoder(HasPresets, BatchedTextModel):
    """Embeds texts by a pretrained language model of keras-hub.

    The model is a backbone for all learners, frozen by default: it takes strings and
    returns vectors. In inference each distinct text is embedded once, in batches of
    similar length.

    It needs `pip install "fsl-keras[text]"`. A SavedModel of it contains operations of
    TensorFlow Text: a program that loads it must `import tensorflow_text` first.

    Reference:

    - [Reimers & Gurevych, 2019](https://arxiv.org/abs/1908.10084)

    Args:
        backbone: what embeds the tokens of a text, one of:

            - the path of a folder with a Hugging Face or keras-hub model, such as
              `all-MiniLM-L6-v2`;
            - the name of a keras-hub preset, such as `"bert_tiny_en_uncased"`, or of a
              model on Hugging Face, such as `"intfloat/e5-small-v2"`, which keras-hub
              downloads once;
            - a `keras_hub.models.Backbone`, with its `tokenizer`.

        pooling: `"mean"` of the tokens, or `"cls"` for the first one. Use that with
            which the model was trained.
        prefix: string, which is put before each text, such as `"query: "` for E5.
            Defaults to `""`.
        normalize: bool, whether embeddings are scaled to length 1. Defaults to `True`.
        max_length: integer, the maximum number of tokens of a text, which is cut after
            them. Defaults to `256`.
        tokenizer: a `keras_hub.tokenizers.Tokenizer`, if `backbone` is a model.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        texts: strings `[B]`.
        training: bool, whether dropout is used.

    Returns:
        float32 embeddings `[B, D]`.

    Raises:
        ImportError: if keras-hub or TensorFlow Text is not installed.
        FileNotFoundError: if the folder does not exist or a file is missing, or the
            model cannot be downloaded.
        ValueError: if an argument is invalid.

    Example:

    >>> import keras_hub
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=words)
    >>> bert = keras_hub.models.BertBackbone(
    ...     vocabulary_size=7, num_layers=1, num_heads=2, hidden_dim=8,
    ...     intermediate_dim=16, max_sequence_length=32)
    >>> encoder = SentenceEncoder(bert, tokenizer=tokenizer, max_length=32)
    >>> encoder(["good", "very bad"]).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        backbone: Model | Path,
        pooling: str = "mean",
        prefix: str = "",
        normalize: bool = True,
        max_length: int = 256,
        tokenizer: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if pooling not in POOLINGS:
            raise ValueError(
                f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}"
            )
        if isinstance(backbone, (str, os.PathLike)):
            models = keras_hub().models
            backbone, tokenizer = load(backbone, models.Backbone, models.Tokenizer)
            if getattr(tokenizer, "lowercase", False) and hasattr(
                tokenizer, "strip_accents"
            ):
                # BERT's own tokenizer does, which keras-hub leaves out.
                tokenizer.strip_accents = True
        if tokenizer is None:
            raise ValueError(
                "`tokenizer` is missing: give that of the backbone, or a folder or a "
                "preset as `backbone`, which has both."
            )
        network = _of_tokens(backbone)
        _check_length(network, max_length)
        texts = keras.Input((), dtype="string", name="texts")
        tokens = SubwordTokens(
            tokenizer, sorted(network.input), max_length, prefix, name="tokens"
        )(texts)
        pool = SentencePooling(pooling, normalize, name="pooling")
        outputs = pool(network(tokens), tokens["padding_mask"])
        kwargs.setdefault("trainable", False)
        super().__init__(inputs=texts, outputs=outputs, name=name, **kwargs)
        self.backbone = network
        self.pooling = pooling
        self.normalize = normalize

    @property
    def tokens(self) -> SubwordTokens:
        """The layer from texts to tokens."""
        return self.get_layer("tokens")

    def get_config(self) -> dict[str, Any]:
        tokens = self.tokens.get_config()
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "pooling": self.pooling,
            "prefix": tokens["prefix"],
            "normalize": self.normalize,
            "max_length": tokens["max_length"],
            "tokenizer": tokens["tokenizer"],
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "SentenceEncoder":
        keras_hub()  # so that Keras knows the classes of its layers
        parts = {
            part: keras.saving.deserialize_keras_object(config[part], custom_objects)
            for part in ("backbone", "tokenizer")
        }
        return cls(**{**config, **parts})


@keras.saving.register_keras_serializable(package="fsl_keras")
class SentencePooling(keras.layers.Layer):
    """Pools the vectors of tokens to one of their text.

    Args:
        pooling: `"mean"` or `"cls"`.
        normalize: bool, whether to scale vectors to length 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        sequence: float `[B, L, D]`.
        padding_mask: integer `[B, L]`, 1 for tokens and 0 for padding.

    Returns:
        Vectors `[B, D]`.

    Example:

    >>> sequence = ops.array([[[3.0, 1.0], [5.0, 7.0], [9.0, 9.0]]])
    >>> pool = SentencePooling("mean", normalize=False)
    >>> pool(sequence, ops.array([[1, 1, 0]])).numpy().tolist()
    [[4.0, 4.0]]
    """

    def __init__(
        self, pooling: str = "mean", normalize: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling
        self.normalize = normalize
        self.built = True

    def call(self, sequence: Tensor, padding_mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            vectors = sequence[:, 0]
        else:
            weights = ops.cast(padding_mask, sequence.dtype)[:, :, None]
            total = ops.maximum(ops.sum(weights, axis=1), 1)
            vectors = ops.sum(sequence * weights, axis=1) / total
        return ops.normalize(vectors, axis=-1) if self.normalize else vectors

    def compute_output_shape(
        self, sequence_shape: Shape, padding_mask_shape: Shape
    ) -> Shape:
        del padding_mask_shape
        return (sequence_shape[0], sequence_shape[-1])

    def get_config(self) -> dict[str, Any]:
        own = {"pooling": self.pooling, "normalize": self.normalize}
        return {**super().get_config(), **own}


def _of_tokens(backbone):
    """Returns a network whose output is the vectors of tokens alone."""
    inputs = getattr(backbone, "input", None)
    if not isinstance(inputs, dict):
        raise ValueError(
            f"`backbone` must be a `keras_hub.models.Backbone` of texts, with the "
            f"inputs token_ids and padding_mask. Received: backbone={backbone!r}"
        )
    outputs = backbone.output
    if not isinstance(outputs, dict):
        return backbone
    # Without the pooled output, whose layer would have no gradient.
    return keras.Model(inputs, outputs["sequence_output"], name=backbone.name)


def _check_length(network, max_length):
    known = [
        layer.sequence_length
        for layer in network.layers
        if getattr(layer, "sequence_length", None)
    ]
    if not 2 < max_length <= min(known, default=max_length):
        raise ValueError(
            f"`max_length` must be from 3 to {min(known, default='any')} tokens, the "
            f"maximum of this model. Received: max_length={max_length!r}"
        )
