"""A sequence of augmentations."""

from collections.abc import Sequence
from typing import Any

import keras

from fsl_keras.episodes.random import fold_in
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_augmentation
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SequentialAugmentation(Augmentation):
    """Applies several augmentations in order.

    Each layer gets a seed of its own, derived from that of the sequence. From the same
    seed, their random numbers would be correlated.

    Args:
        layers: list of objects with `transform(images, seed)`.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1].
        training: bool, whether to augment.

    Returns:
        Images of the same dtype, and of the same shape unless a layer sets a size.

    Raises:
        ValueError: If `layers` is empty, or one has no `transform`.

    Example:

    >>> from fsl_keras.layers.augmentation import ColorJitter, RandomAffine
    >>> import numpy as np
    >>> layer = SequentialAugmentation([RandomAffine(), ColorJitter()])
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(
        self, layers: Sequence[Any], seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        if not layers:
            raise ValueError(f"`layers` must not be empty. Received: layers={layers!r}")
        for layer in layers:
            check_augmentation("layers", layer)
        self.layers = list(layers)

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        for index, layer in enumerate(self.layers):
            images = layer.transform(images, fold_in(seed, index))
        return images

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        if training:
            return super().call(images, training=training)
        for layer in self._own_layers:
            images = layer(images, training=False)
        return images

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for layer in self._own_layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def _own_layers(self):
        """The layers that may set a size; other objects do not."""
        return [layer for layer in self.layers if isinstance(layer, Augmentation)]

    def get_config(self) -> dict[str, Any]:
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SequentialAugmentation":
        layers = [
            keras.saving.deserialize_keras_object(layer) for layer in config["layers"]
        ]
        return super().from_config({**config, "layers": layers})
