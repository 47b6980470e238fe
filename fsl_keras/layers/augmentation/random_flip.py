"""Mirrored pictures."""

import keras
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation

# Which axes a mode mirrors.
AXES = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (2, 1)}


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomFlip(Augmentation):
    """Mirrors each picture with a chance of one half.

    Keras's layer of this name does so in a model, but takes no seed in a call.

    Args:
        mode: `"horizontal"` (left and right change places), `"vertical"`, or
            `"horizontal_and_vertical"`, each by itself.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if `mode` is another.

    Example:

    >>> import numpy as np
    >>> RandomFlip().transform(np.ones((2, 28, 28, 1), "float32"), seed=(7, 0)).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(self, mode="horizontal", seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if mode not in AXES:
            raise ValueError(
                f"`mode` must be one of {', '.join(AXES)}. Received: mode={mode!r}"
            )
        self.mode = mode

    def augment(self, images, seed):
        draws = uniform(seed, (2, ops.shape(images)[0], 1, 1, 1))
        for axis in AXES[self.mode]:
            images = ops.where(draws[axis - 1] < 0.5, ops.flip(images, axis), images)
        return images

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
