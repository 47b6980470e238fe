"""Encoders of images and of texts into one space, such as those of CLIP."""

import copy
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras.backbones.hub import load
from fsl_keras.backbones.subword_tokens import cleaned, serialized
from fsl_keras.backbones.text_model import BatchedTextModel
from fsl_keras.imports.keras_hub import keras_hub
from fsl_keras.typing import Model, Path, Tensor


class ImageTextEncoder:
    """The two encoders of a model that embeds images and texts into one space.

    The cosine similarity of an image and a text says how well the text describes the
    image. So classes can be learned from descriptions alone (zero-shot), and from
    descriptions and images. Both encoders are backbones for all learners, frozen by
    default.

    It needs `pip install "fsl-keras[text]"`. A SavedModel of the text encoder contains
    operations of TensorFlow Text: a program that loads it must
    `import tensorflow_text` first.

    Reference:

    - CLIP: [Radford et al., 2021](https://arxiv.org/abs/2103.00020)
    - SigLIP: [Zhai et al., 2023](https://arxiv.org/abs/2303.15343)
    - MetaCLIP 2: [Chuang et al., 2025](https://arxiv.org/abs/2507.22062)

    Args:
        backbone: `keras_hub.models.CLIPBackbone`, `SigLIPBackbone` or
            `MetaCLIP2Backbone`.
        preprocessor: the preprocessor of the backbone, such as a
            `keras_hub.models.CLIPPreprocessor`, with its tokenizer. Its image converter
            says how pixels are scaled; without one they stay in [0, 1].

    Attributes:
        image_encoder: `ImageTower`, from images in [0, 1] to vectors of length 1.
        text_encoder: `TextTower`, from strings to vectors of length 1.
        logit_scale: float, the factor of cosine similarities with which the model was
            trained, the inverse of its softmax temperature.
        resize: string, how the model was given images of another aspect ratio, the
            argument `resize` of `adapt`: `"crop"`, `"pad"` or `"stretch"`.

    Raises:
        ImportError: if keras-hub or TensorFlow Text is not installed.
        ValueError: if the backbone does not embed images and texts, or the preprocessor
            has no tokenizer.

    Example:

    >>> import keras_hub, fsl_keras as fsl
    >>> keras.utils.set_random_seed(0)
    >>> sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8,
    ...          "intermediate_dim": 16}
    >>> clip = keras_hub.models.CLIPBackbone(
    ...     keras_hub.models.CLIPVisionEncoder(
    ...         patch_size=8, image_shape=(16, 16, 3), **sizes),
    ...     keras_hub.models.CLIPTextEncoder(
    ...         vocabulary_size=7, embedding_dim=8, max_sequence_length=16, **sizes),
    ...     projection_dim=4)
    >>> words = ["!", "c", "a", "t</w>", "at</w>", "<|startoftext|>", "<|endoftext|>"]
    >>> tokenizer = keras_hub.models.CLIPTokenizer(
    ...     {word: i for i, word in enumerate(words)}, merges=["a t</w>"])
    >>> preprocessor = keras_hub.models.CLIPPreprocessor(tokenizer, sequence_length=16)
    >>> encoder = ImageTextEncoder(clip, preprocessor)
    >>> encoder.text_encoder(["a cat", "cats"]).shape
    TensorShape([2, 4])
    >>> learner = fsl.models.TransferLearner(
    ...     encoder.image_encoder,
    ...     fsl.heads.PrototypeHead("cosine", scale=encoder.logit_scale))
    >>> classifier = learner.adapt(
    ...     descriptions={"cat": "a photo of a cat", "dog": "a photo of a dog"},
    ...     text_encoder=encoder.text_encoder)
    >>> classifier.predict(np.zeros((3, 20, 20, 3), "uint8"), verbose=0).shape
    (3, 2)
    """

    def __init__(self, backbone: Model, preprocessor: Any) -> None:
        keras_hub()
        inputs = getattr(backbone, "input", None)
        if not isinstance(inputs, dict) or not hasattr(
            backbone, "get_vision_embeddings"
        ):
            raise ValueError(
                f"`backbone` must be a model of keras-hub that embeds images and "
                f"texts: `CLIPBackbone`, `SigLIPBackbone` or `MetaCLIP2Backbone`. "
                f"Received: backbone={backbone!r}"
            )
        if getattr(preprocessor, "tokenizer", None) is None:
            raise ValueError(
                f"`preprocessor` must be the preprocessor of the backbone, such as "
                f"`CLIPPreprocessor`, with its tokenizer. Received: "
                f"preprocessor={preprocessor!r}"
            )
        images, tokens = inputs["images"], inputs["token_ids"]
        converter = preprocessor.image_converter
        scale, offset = (
            getattr(converter, "scale", None),
            getattr(converter, "offset", None),
        )
        self.image_encoder = ImageTower(
            keras.Model(images, backbone.get_vision_embeddings(images)),
            # Of bytes; without a scale the converter leaves them as they are.
            scale=1 / 255 if converter is None else 1.0 if scale is None else scale,
            offset=0.0 if offset is None else offset,
        )
        self.text_encoder = TextTower(
            keras.Model(tokens, backbone.get_text_embeddings(tokens)),
            _without_images(preprocessor),
        )
        self.logit_scale = _logit_scale(backbone)
        self.resize = _resize(converter)

    @classmethod
    def from_preset(cls, preset: Path) -> "ImageTextEncoder":
        """Loads a model with its preprocessor.

        Args:
            preset: the path of a folder with a keras-hub or Hugging Face model; the
                name of a keras-hub preset, such as `"clip_vit_base_patch32"`,
                `"siglip_base_patch16_224"` or `"metaclip_2_vit_huge_patch14_224"`; or
                of a model on Hugging Face, which keras-hub downloads once.

        Raises:
            ImportError: if keras-hub or TensorFlow Text is not installed.
            FileNotFoundError: if the folder does not exist or a file is missing, or the
                model cannot be downloaded.
            ValueError: if it is another model, such as one of texts.
        """
        models = keras_hub().models
        (backbone,) = load(preset, models.Backbone)
        if not hasattr(backbone, "get_vision_embeddings"):
            raise ValueError(
                f"{str(preset)!r} is a {type(backbone).__name__}, which does not embed "
                f"images and texts into one space. Use a CLIP, SigLIP or MetaCLIP 2 "
                f"model; `SentenceEncoder` loads models of texts."
            )
        (preprocessor,) = load(preset, models.CausalLMPreprocessor)
        return cls(backbone, preprocessor)


@keras.saving.register_keras_serializable(package="fsl_keras")
class ImageTower(keras.Model):
    """The image encoder of an `ImageTextEncoder`.

    Args:
        network: built Keras model from scaled images `[B, H, W, 3]` to vectors
            `[B, D]`.
        scale: float, or list of one for each channel, the factor of pixels from 0 to
            255.
        offset: float, or list of one for each channel, which is added after that.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        images: float32 images `[B, H, W, 3]` in [0, 1].

    Returns:
        float32 vectors `[B, D]` of length 1.

    Example:

    >>> pixels = keras.Input((1, 1, 3))
    >>> network = keras.Model(pixels, keras.layers.Flatten()(pixels))
    >>> tower = ImageTower(network, scale=1 / 127.5, offset=[-1.0, -1.0, 0.0])
    >>> tower(np.array([[[[0.5, 0.5, 1.0]]]])).numpy().tolist()
    [[0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        network: Model,
        scale: Any = 1 / 255,
        offset: Any = 0.0,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        images = keras.Input(network.input_shape[1:], name="images")
        factor = (255 * np.asarray(scale, "float64")).tolist()
        pixels = keras.layers.Rescaling(factor, offset, name="scaling")(images)
        kwargs.setdefault("trainable", False)
        super().__init__(
            inputs=images, outputs=_unit_length(network(pixels)), name=name, **kwargs
        )
        self.network = network
        self.scale = scale
        self.offset = offset

    def get_config(self) -> dict[str, Any]:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "scale": np.asarray(self.scale).tolist(),
            "offset": np.asarray(self.offset).tolist(),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "ImageTower":
        return cls(**_with_parts(config, custom_objects, "network"))


@keras.saving.register_keras_serializable(package="fsl_keras")
class TextTower(BatchedTextModel):
    """The text encoder of an `ImageTextEncoder`.

    Args:
        network: built Keras model from token ids `[B, L]` to vectors `[B, D]`.
        preprocessor: a preprocessor of keras-hub without image converter.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        texts: strings `[B]`.

    Returns:
        float32 vectors `[B, D]` of length 1.
    """

    def __init__(
        self,
        network: Model,
        preprocessor: Any,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        texts = keras.Input((), dtype="string", name="texts")
        tokens = PromptTokens(preprocessor, name="tokens")(texts)
        kwargs.setdefault("trainable", False)
        super().__init__(
            inputs=texts, outputs=_unit_length(network(tokens)), name=name, **kwargs
        )
        self.network = network

    def get_config(self) -> dict[str, Any]:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "preprocessor": _serialized(self.get_layer("tokens").preprocessor),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "TextTower":
        return cls(**_with_parts(config, custom_objects, "network", "preprocessor"))


@keras.saving.register_keras_serializable(package="fsl_keras")
class PromptTokens(keras.layers.Layer):
    """Turns texts into token ids by a preprocessor of keras-hub.

    Control characters and bytes that are not UTF-8 become spaces.

    Args:
        preprocessor: a preprocessor of keras-hub without image converter, such as a
            `keras_hub.models.CLIPPreprocessor`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        texts: strings `[B]`.

    Returns:
        int32 ids `[B, L]`, where `L` is the `sequence_length` of the preprocessor.
    """

    def __init__(self, preprocessor: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.preprocessor = preprocessor
        self.supports_jit = False
        # keras-hub computes tokens in Python outside of graphs, by other rules.
        self._ids = tf.function(
            lambda texts: preprocessor({"prompts": texts, "images": None})["token_ids"],
            input_signature=[tf.TensorSpec([None], "string")],
            autograph=False,
        )
        self.built = True

    def call(self, texts: Tensor) -> Tensor:
        return tf.cast(self._ids(cleaned(texts)), "int32")

    def compute_output_spec(self, texts: Any) -> Any:
        length = self.preprocessor.sequence_length
        return keras.KerasTensor((texts.shape[0], length), "int32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "preprocessor": _serialized(self.preprocessor),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PromptTokens":
        return cls(**_with_parts(config, None, "preprocessor"))


def _unit_length(vectors):
    unit = keras.layers.UnitNormalization(dtype="float32", name="unit_length")
    return unit(vectors)


def _serialized(preprocessor):
    """Returns the configuration of a preprocessor with the vocabulary in it."""
    found = keras.saving.serialize_keras_object(preprocessor)
    found["config"]["tokenizer"] = serialized(preprocessor.tokenizer)
    return found


def _without_images(preprocessor):
    """Returns a copy of a preprocessor that takes texts alone."""
    found = copy.deepcopy(_serialized(preprocessor))
    found["config"].pop("image_converter", None)
    return keras.saving.deserialize_keras_object(found)


def _with_parts(config, custom_objects, *names):
    """Returns a configuration with some of its parts as objects."""
    keras_hub()  # so that Keras knows the classes of its layers
    config = copy.deepcopy(config)
    for name in names:
        config[name] = keras.saving.deserialize_keras_object(
            config[name], custom_objects
        )
    return config


def _logit_scale(backbone):
    """Returns the factor of cosine similarities, which models hold as a logarithm."""
    for layer in backbone.layers:
        if hasattr(layer, "logit_scale"):
            return float(ops.exp(ops.cast(layer.logit_scale, "float32")))
    raise ValueError(f"{type(backbone).__name__} has no `logit_scale`.")


def _resize(converter):
    if getattr(converter, "crop_to_aspect_ratio", False):
        return "crop"
    return "pad" if getattr(converter, "pad_to_aspect_ratio", False) else "stretch"
