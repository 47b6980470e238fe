"""Training without labels by predicting how an image was rotated."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.pretraining.self_supervised import SelfSupervisedPretraining
from fsl_keras.typing import Model, Tensor

ROTATIONS = 4


@keras.saving.register_keras_serializable(package="fsl_keras")
class RotationPrediction(SelfSupervisedPretraining):
    """Trains a backbone without labels to predict how an image was rotated.

    The four views of an image are rotated by 0, 90, 180 and 270 degrees, and the last
    layer of the projection classifies them. It suits images with an upright position,
    and serves as an additional loss (`JointTraining`).

    Reference:

    - [Gidaris et al., 2018](https://arxiv.org/abs/1803.07728)
    - as an additional loss: [Gidaris et al., 2019](https://arxiv.org/abs/1906.05186)

    Args:
        backbone: built Keras model from square images `[*, H, H, C]` to vectors
            `[*, D]`. It is trained itself, not a copy.
        augmentation: as in `SelfSupervisedPretraining`, before the rotation.
        projection: tuple of integers, the units of the layers before the classifier of
            the four rotations. Defaults to `()`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: If the backbone does not take square images.

    Example:

    >>> import fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), filters=8)
    >>> model = RotationPrediction(backbone, augmentation=None)
    >>> model.compile()
    """

    def __init__(
        self,
        backbone: Model,
        augmentation: Any,
        projection: tuple[int, ...] = (),
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        units = (*projection, ROTATIONS)
        super().__init__(backbone, augmentation, units, ROTATIONS, name, **kwargs)
        shape = backbone.input_shape[1:]
        if len(shape) != 3 or shape[0] != shape[1]:
            raise ValueError(
                f"Rotations by 90 degrees need a backbone of square images. Received: "
                f"a backbone of input shape {backbone.input_shape}"
            )

    def make_views(self, items: Tensor) -> Tensor:
        """Returns images rotated by 0, 90, 180 and 270 degrees, `[4 * B, H, H, C]`."""
        if self.augmentation is not None:
            items = self.augmentation(items, training=True)
        # `keras.ops` can rotate too, by a much slower resampling.
        views = [tf.image.rot90(items, turns) for turns in range(ROTATIONS)]
        return ops.concatenate(views, axis=0)

    def views_loss(self, projections: Tensor, labels: Tensor | None = None) -> Tensor:
        turns = ops.ones_like(projections[..., 0], "int32")
        turns *= ops.arange(ROTATIONS)[:, None]
        losses = keras.losses.sparse_categorical_crossentropy(
            turns, projections, from_logits=True
        )
        return ops.mean(losses)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["views"]
        return {**config, "projection": self.units[:-1]}
