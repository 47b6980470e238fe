"""What backbones share that embed several views of each image."""

from typing import Any

import keras
from keras import ops

from fsl_keras.presets import HasPresets
from fsl_keras.typing import Model, Shape, Tensor


class ViewsBackbone(HasPresets, keras.Model):
    """Base of backbones that embed several views of each image and join the embeddings.

    Args:
        backbone: built Keras model from images to embeddings. It is used itself, not a
            copy.
        views: layer from images `[B, H, W, C]` to views `[B * views, H, W, C]`.
        join: layer from embeddings `[B * views, ...]` to one embedding per image.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.
    """

    def __init__(
        self,
        backbone: Model,
        views: Any,
        join: Any,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        inputs = keras.Input(backbone.input_shape[1:], name="images")
        outputs = join(backbone(views(inputs)))
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.backbone = backbone

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "ViewsBackbone":
        backbone = keras.saving.deserialize_keras_object(
            config["backbone"], custom_objects
        )
        return cls(**{**config, "backbone": backbone})


def group(embeddings: Tensor, count: int) -> Tensor:
    """Returns `[B, count, ...]` of embeddings `[B * count, ...]` of views."""
    return ops.reshape(embeddings, (-1, count, *embeddings.shape[1:]))


def grouped_shape(shape: Shape, count: int) -> Shape:
    """Returns the shape `[B, count, ...]` of `group`."""
    return (shape[0] and shape[0] // count, count, *shape[1:])
