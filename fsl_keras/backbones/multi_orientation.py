"""Concatenates the embeddings of the eight orientations of an image."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.backbones.views import ViewsBackbone, group, grouped_shape
from fsl_keras.typing import Model, Shape, Tensor

ORIENTATIONS = 8


@keras.saving.register_keras_serializable(package="fsl_keras")
class MultiOrientation(ViewsBackbone):
    """Embeds an image in each of its eight orientations and keeps all embeddings.

    The orientations are the rotations by 0, 90, 180 and 270 degrees of the image and of
    its mirror image. A network that was trained on rotated and mirrored classes as
    additional classes (`datasets.with_rotations`, `datasets.with_reflections`) sees
    eight different characters in them, and makes different errors on each. The eight
    embeddings are concatenated and divided by the square root of eight: squared
    distances are the mean of those of the orientations. One image takes eight forward
    passes.

    `MultiView`, in contrast, averages embeddings that should be the same.

    Feature maps are not concatenated: the result is `[8, h, w, D]`, for heads that
    compare feature maps of the same orientation, such as `heads.ReconstructionHead`.

    Args:
        backbone: built Keras model from square images `[*, S, S, C]` to embeddings
            `[*, D]` or feature maps `[*, h, w, D]`. It is used itself, not a copy.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: If images are not square, or the backbone gives neither vectors nor
            feature maps.

    Example:

    >>> from fsl_keras.backbones import Conv4
    >>> MultiOrientation(Conv4((28, 28, 1))).output_shape
    (None, 512)
    """

    def __init__(self, backbone: Model, name: str | None = None, **kwargs: Any) -> None:
        input_shape = backbone.input_shape[1:]
        if input_shape[0] != input_shape[1]:
            raise ValueError(
                f"`backbone` must take square images, which can be rotated by 90 "
                f"degrees. Received: a backbone of input shape {input_shape}"
            )
        rank = len(backbone.output_shape)
        if rank not in (2, 4):
            raise ValueError(
                f"`backbone` must give a vector or a feature map for each image. "
                f"Received: a backbone of output shape {backbone.output_shape}"
            )
        join = (SideBySide if rank == 2 else Apart)(name="embedding")
        super().__init__(
            backbone, Orientations(name="orientations"), join, name, **kwargs
        )


@keras.saving.register_keras_serializable(package="fsl_keras")
class Orientations(keras.layers.Layer):
    """The eight orientations of each square image, one after the other."""

    def call(self, images: Tensor) -> Tensor:
        side, _, channels = images.shape[1:]
        places = np.arange(side * side, dtype="int32").reshape(side, side)
        rotated = [
            np.rot90(grid, turns)
            for grid in (places, places[:, ::-1])
            for turns in range(4)
        ]
        # A gather is the same on any backend and in any exported format.
        pixels = ops.reshape(images, (-1, side * side, channels))
        pixels = ops.take(pixels, np.stack(rotated).reshape(-1), axis=1)
        return ops.reshape(pixels, (-1, side, side, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch = input_shape[0] and input_shape[0] * ORIENTATIONS
        return (batch, *input_shape[1:])


@keras.saving.register_keras_serializable(package="fsl_keras")
class SideBySide(keras.layers.Layer):
    """The embeddings of the orientations of an image, concatenated and scaled."""

    def call(self, embeddings: Tensor) -> Tensor:
        size = ORIENTATIONS * embeddings.shape[-1]
        return ops.reshape(embeddings, (-1, size)) / math.sqrt(ORIENTATIONS)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, _, size = grouped_shape(input_shape, ORIENTATIONS)
        return (batch, size and ORIENTATIONS * size)


@keras.saving.register_keras_serializable(package="fsl_keras")
class Apart(keras.layers.Layer):
    """The feature maps of the orientations of an image, along an axis of their own."""

    def call(self, maps: Tensor) -> Tensor:
        return group(maps, ORIENTATIONS)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return grouped_shape(input_shape, ORIENTATIONS)
