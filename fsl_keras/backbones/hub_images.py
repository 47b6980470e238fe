"""Image encoders of keras-hub as backbones."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.backbones.hub import load
from fsl_keras.backbones.image_text_encoder import ImageTower
from fsl_keras.imports.keras_hub import keras_hub
from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.typing import Model, Path, Tensor

POOLINGS = ("auto", "cls", "avg", None)


def from_keras_hub(
    source: Path | Model,
    pooling: str | None = "auto",
    image_size: tuple[int, int] | None = None,
    scale: Any = None,
    offset: Any = None,
    **kwargs: Any,
) -> Model:
    """Returns a frozen feature extractor of keras-hub.

    It takes RGB images in [0, 1], as every backbone of this package, and includes the
    preprocessing of the model. It can be a vision transformer (ViT, DeiT, DINOv2,
    DINOv3), a convolutional network, or the image encoder of CLIP, SigLIP or
    MetaCLIP 2. Its weights are frozen; `models.TransferLearner` can unfreeze the last
    blocks.

    It needs `pip install "fsl-keras[text]"`.

    Args:
        source: the name of a keras-hub preset, such as `"dinov2_small"`; the path of a
            folder with a keras-hub or Hugging Face model; the name of a model on
            Hugging Face; or a `keras_hub.models.Backbone`.
        pooling: `"cls"` for the class token, `"avg"` for the mean of the patch tokens
            or of the feature map, `None` for a feature map `[h, w, D]`. The default,
            `"auto"`, is the class token of a transformer that has one, and the mean
            otherwise. Encoders of CLIP, SigLIP and MetaCLIP 2 have a pooling of their
            own.
        image_size: optional pair `(height, width)` in pixels; that of the model by
            default, or 224 x 224 if it takes any.
        scale: optional float, or list of one for each channel, the factor of pixels
            from 0 to 255. By default that of the image converter of a preset, and
            1 / 255 for a model.
        offset: optional float, or list of one for each channel, which is added after
            that. By default that of the image converter of a preset, and 0.
        **kwargs: further arguments of `Backbone.from_preset`, such as `dtype`.

    Returns:
        A `keras.Model` from float32 `[B, height, width, 3]` to features.

    Raises:
        ImportError: if keras-hub or TensorFlow Text is not installed.
        FileNotFoundError: if the model cannot be found or downloaded.
        ValueError: if the model does not take images, has no class token to pool, or
            its patches do not divide the image size.

    Example:

    >>> import keras_hub
    >>> vit = keras_hub.models.ViTBackbone(
    ...     image_shape=(32, 32, 3), patch_size=8, num_layers=1, num_heads=2,
    ...     hidden_dim=16, mlp_dim=32)
    >>> from_keras_hub(vit, scale=1 / 127.5, offset=-1.0).output_shape
    (None, 16)
    >>> from_keras_hub(vit, pooling=None).output_shape
    (None, 4, 4, 16)
    """
    check_channels_last()
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS}. Received: {pooling!r}")
    needs_converter = scale is None or offset is None
    backbone, converter = _loaded(source, image_size, needs_converter, kwargs)
    if scale is None:
        scale = getattr(converter, "scale", None)
        # A converter without a scale leaves bytes as they are.
        scale = 1 / 255 if converter is None else 1.0 if scale is None else scale
    if offset is None:
        offset = getattr(converter, "offset", None) or 0.0
    shape = (*_size_of(backbone, image_size), 3)
    if hasattr(backbone, "get_vision_embeddings"):
        _check_no_pooling(backbone, pooling)
        inputs = backbone.input["images"]
        network = keras.Model(inputs, backbone.get_vision_embeddings(inputs))
        return ImageTower(network, scale, offset)
    images = keras.Input(shape, name="images")
    factor = (255 * np.asarray(scale, "float64")).tolist()
    pixels = keras.layers.Rescaling(factor, offset, name="scaling")(images)
    backbone.trainable = False
    features = _pooled(backbone, backbone(_as_input(backbone, pixels)), shape, pooling)
    features = keras.layers.Activation("linear", dtype="float32")(features)
    return keras.Model(images, features, name=f"{backbone.name}_features")


def _loaded(source, image_size, needs_converter, kwargs):
    """Returns a backbone of images, and its image converter or None."""
    hub = keras_hub()
    if isinstance(source, keras.Model):
        backbone, converter = source, None
        if kwargs:
            raise ValueError(
                f"{sorted(kwargs)} are arguments of presets. Received a model."
            )
    else:
        if image_size is not None:
            kwargs["image_shape"] = (*image_size, 3)
        (backbone,) = load(source, hub.models.Backbone, **kwargs)
        _check_takes_images(backbone)
        converter = _converter(source, hub.layers) if needs_converter else None
    _check_takes_images(backbone)
    return backbone, converter


def _converter(source, layers):
    try:
        (converter,) = load(source, layers.ImageConverter)
    except FileNotFoundError as error:
        raise ValueError(
            f"{source} has no image converter, which says how pixels are scaled. Give "
            f"`scale` and `offset`."
        ) from error
    return converter


def _inputs(backbone):
    inputs = backbone.input
    return inputs if isinstance(inputs, dict) else {"images": inputs}


def _check_takes_images(backbone):
    shapes = {name: tensor.shape for name, tensor in _inputs(backbone).items()}
    if not any(len(shape) == 4 and shape[-1] == 3 for shape in shapes.values()):
        raise ValueError(
            f"{type(backbone).__name__} takes no images, but {shapes}. Use "
            f"`backbones.SentenceEncoder` for a model of texts."
        )


def _size_of(backbone, image_size):
    """Returns the size of images; raises an error if the model takes another one."""
    (shape,) = (t.shape for t in _inputs(backbone).values() if len(t.shape) == 4)
    fixed = shape[1:3]
    size = tuple(image_size or (side or 224 for side in fixed))
    if any(known not in (None, side) for known, side in zip(fixed, size, strict=True)):
        raise ValueError(
            f"{type(backbone).__name__} takes images of {tuple(fixed)} pixels. "
            f"Received: image_size={size}"
        )
    patches = _patch_size(backbone)
    if patches and any(side % patch for side, patch in zip(size, patches, strict=True)):
        raise ValueError(
            f"The sides of images must be multiples of the patches, which have "
            f"{patches[0]} x {patches[1]} pixels. Received: image_size={size}"
        )
    return size


def _patch_size(backbone):
    patch = getattr(backbone, "patch_size", None)
    return (patch, patch) if isinstance(patch, int) else patch


def _as_input(backbone, pixels):
    inputs = backbone.input
    return dict.fromkeys(inputs, pixels) if isinstance(inputs, dict) else pixels


def _check_no_pooling(backbone, pooling):
    if pooling != "auto":
        raise ValueError(
            f"{type(backbone).__name__} has a pooling of its own: leave `pooling` out. "
            f"Received: pooling={pooling!r}"
        )


def _pooled(backbone, outputs, shape, pooling):
    """Returns a vector or a map of what a model gives."""
    if isinstance(outputs, dict):
        outputs = outputs["sequence_output"]
    rank = len(outputs.shape)
    if rank == 2:
        _check_no_pooling(backbone, pooling)
        return outputs
    if rank == 4:
        if pooling == "cls":
            raise ValueError(
                f'{type(backbone).__name__} has no class token. Use pooling="avg".'
            )
        if pooling is None:
            return outputs
        return keras.layers.GlobalAveragePooling2D(name="pooling")(outputs)
    height, width = (
        side // patch
        for side, patch in zip(shape[:2], _patch_size(backbone), strict=True)
    )
    others = outputs.shape[1] - height * width
    if pooling == "auto":
        pooling = "cls" if others else "avg"
    if pooling == "cls" and not others:
        raise ValueError(
            f'{type(backbone).__name__} has no class token. Use pooling="avg".'
        )
    return TokenPooling(pooling, height, width, name="pooling")(outputs)


@keras.saving.register_keras_serializable(package="fsl_keras")
class TokenPooling(keras.layers.Layer):
    """Makes a vector or a map of the tokens of a vision transformer.

    Patch tokens are the last ones. Before them are the class token and registers, if
    there are any.

    Args:
        pooling: `"cls"` for the first token, `"avg"` for the mean of the patch tokens,
            or `None` for their map.
        height: integer, the number of patches in a column.
        width: integer, the number of patches in a row.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: float tensor `[B, L, D]`.

    Returns:
        A tensor `[B, D]`, or `[B, height, width, D]`.

    Example:

    >>> tokens = np.arange(5.0).reshape(1, 5, 1)  # a class token and four patches
    >>> TokenPooling("avg", 2, 2)(tokens).numpy().tolist()
    [[2.5]]
    """

    def __init__(
        self, pooling: str | None, height: int, width: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling
        self.height = height
        self.width = width

    def call(self, tokens: Tensor) -> Tensor:
        if self.pooling == "cls":
            return tokens[:, 0]
        patches = tokens[:, -self.height * self.width :]
        if self.pooling == "avg":
            return ops.mean(patches, axis=1)
        return ops.reshape(patches, (-1, self.height, self.width, tokens.shape[-1]))

    def compute_output_shape(self, shape: Any) -> tuple:
        if self.pooling is None:
            return (shape[0], self.height, self.width, shape[-1])
        return (shape[0], shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pooling": self.pooling,
            "height": self.height,
            "width": self.width,
        }
