"""Random flips."""

from typing import Any

import keras
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.typing import Tensor

# The axes that each mode flips.
AXES = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (2, 1)}


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomFlip(Augmentation):
    """Flips each image with a probability of one half.

    Keras's layer of this name takes no seed in a call.

    Args:
        mode: `"horizontal"` (left to right), `"vertical"` (top to bottom) or
            `"horizontal_and_vertical"` (each independently).
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1].
        training: bool, whether to augment.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: If `mode` is not one of these.

    Example:

    >>> import numpy as np
    >>> RandomFlip().transform(np.ones((2, 28, 28, 1), "float32"), seed=(7, 0)).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(
        self, mode: str = "horizontal", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        if mode not in AXES:
            raise ValueError(
                f"`mode` must be one of {', '.join(AXES)}. Received: mode={mode!r}"
            )
        self.mode = mode

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        draws = uniform(seed, (2, ops.shape(images)[0], 1, 1, 1))
        for axis in AXES[self.mode]:
            images = ops.where(draws[axis - 1] < 0.5, ops.flip(images, axis), images)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}
