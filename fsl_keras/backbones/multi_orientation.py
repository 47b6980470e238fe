"""A backbone that looks at a picture turned and mirrored."""

import math

import keras
import numpy as np
from keras import ops

from fsl_keras.presets import HasPresets

ORIENTATIONS = 8


@keras.saving.register_keras_serializable(package="fsl_keras")
class MultiOrientation(HasPresets, keras.Model):
    """Embeds a picture in each of its eight orientations, one after the other.

    A picture is turned by 0, 90, 180 and 270 degrees, and so is its mirror image. A
    network that was trained on turned and mirrored classes as further classes
    (`datasets.with_rotations`, `datasets.with_reflections`) sees eight different
    characters in them, and errs at different places. The eight embeddings stand side by
    side, divided by the root of eight: squared distances are the mean of those of the
    orientations, and keep their scale.

    Where `MultiView` takes the mean of embeddings that should be the same, here they
    differ and all are kept. It costs a pass for each orientation.

    Feature maps stay apart, as `[8, h, w, D]`, for heads that compare maps of the same
    orientation, such as `heads.ReconstructionHead`.

    Args:
        backbone: built Keras model from square pictures `[*, S, S, C]` to embeddings
            `[*, D]` or feature maps `[*, h, w, D]`. It is used itself, not a copy.
        name: optional string.

    Raises:
        ValueError: if pictures are not square, or embeddings neither vectors nor maps.

    Example:

    >>> from fsl_keras.backbones import Conv4
    >>> MultiOrientation(Conv4((28, 28, 1))).output_shape
    (None, 512)
    """

    def __init__(self, backbone, name=None, **kwargs):
        item_shape = backbone.input_shape[1:]
        if item_shape[0] != item_shape[1]:
            raise ValueError(
                f"Turning by 90 degrees takes square pictures. Received: a backbone of "
                f"pictures of shape {item_shape}"
            )
        if len(backbone.output_shape) not in (2, 4):
            raise ValueError(
                f"`backbone` must give a vector or a feature map for each picture. "
                f"Received: a backbone of output shape {backbone.output_shape}"
            )
        inputs = keras.Input(item_shape, name="pictures")
        embeddings = backbone(Orientations(name="orientations")(inputs))
        joined = SideBySide if len(embeddings.shape) == 2 else Apart
        outputs = joined(name="embedding")(embeddings)
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.backbone = backbone

    def get_config(self):
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        backbone = keras.saving.deserialize_keras_object(
            config["backbone"], custom_objects
        )
        return cls(**{**config, "backbone": backbone})


@keras.saving.register_keras_serializable(package="fsl_keras")
class Orientations(keras.layers.Layer):
    """The eight orientations of each square picture, one after the other."""

    def call(self, images):
        side, _, channels = images.shape[1:]
        places = np.arange(side * side, dtype="int32").reshape(side, side)
        turned = [
            np.rot90(grid, turns)
            for grid in (places, places[:, ::-1])
            for turns in range(4)
        ]
        # A gather is the same on any backend and in any exported format.
        pixels = ops.reshape(images, (-1, side * side, channels))
        pixels = ops.take(pixels, np.stack(turned).reshape(-1), axis=1)
        return ops.reshape(pixels, (-1, side, side, channels))

    def compute_output_shape(self, input_shape):
        batch = input_shape[0] and input_shape[0] * ORIENTATIONS
        return (batch, *input_shape[1:])


@keras.saving.register_keras_serializable(package="fsl_keras")
class SideBySide(keras.layers.Layer):
    """Embeddings of the orientations of a picture as one, in the scale of each."""

    def call(self, embeddings):
        size = ORIENTATIONS * embeddings.shape[-1]
        return ops.reshape(embeddings, (-1, size)) / math.sqrt(ORIENTATIONS)

    def compute_output_shape(self, input_shape):
        batch = input_shape[0] and input_shape[0] // ORIENTATIONS
        return (batch, ORIENTATIONS * input_shape[-1])


@keras.saving.register_keras_serializable(package="fsl_keras")
class Apart(keras.layers.Layer):
    """Feature maps of the orientations of a picture along an axis of their own."""

    def call(self, maps):
        return ops.reshape(maps, (-1, ORIENTATIONS, *maps.shape[1:]))

    def compute_output_shape(self, input_shape):
        batch = input_shape[0] and input_shape[0] // ORIENTATIONS
        return (batch, ORIENTATIONS, *input_shape[1:])
