"""One augmentation after the other."""

import keras

from fsl_keras.episodes.random import fold_in
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_augmentation


@keras.saving.register_keras_serializable(package="fsl_keras")
class SequentialAugmentation(Augmentation):
    """Augments pictures by several layers, one after the other.

    Each layer has random numbers of its own: from the same seed, two layers would
    draw the same ones, and darker pictures would be turned farther.

    Args:
        layers: list of objects with `transform(images, seed)`.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if there is no layer, or one has no `transform`.

    Example:

    >>> from fsl_keras.layers.augmentation import ColorJitter, RandomAffine
    >>> import numpy as np
    >>> layer = SequentialAugmentation([RandomAffine(), ColorJitter()])
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(self, layers, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not layers:
            raise ValueError(f"`layers` must not be empty. Received: layers={layers!r}")
        for layer in layers:
            check_augmentation("layers", layer)
        self.layers = list(layers)

    def augment(self, images, seed):
        for index, layer in enumerate(self.layers):
            images = layer.transform(images, fold_in(seed, index))
        return images

    def call(self, images, training=None):
        if training:
            return super().call(images, training=training)
        for layer in self._own_layers:
            images = layer(images, training=False)
        return images

    def compute_output_shape(self, input_shape):
        for layer in self._own_layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def _own_layers(self):
        """Those that may set a size; any other object changes none."""
        return [layer for layer in self.layers if isinstance(layer, Augmentation)]

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config):
        layers = [
            keras.saving.deserialize_keras_object(layer) for layer in config["layers"]
        ]
        return super().from_config({**config, "layers": layers})
