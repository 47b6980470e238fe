"""Random brightness, contrast, saturation and hue in one pass."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.typing import Tensor

# From RGB to luma and two axes of chroma (YIQ, the color space of NTSC television).
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
RGB = np.linalg.inv(YIQ)
# Matrices that project RGB to luma, to chroma, and to chroma rotated by 90 degrees.
LUMA = RGB[:, :1] @ YIQ[:1]
CHROMA = RGB[:, 1:] @ YIQ[1:]
ROTATED = RGB[:, 1:] @ np.array([[0, -1], [1, 0]]) @ YIQ[1:]


@keras.saving.register_keras_serializable(package="fsl_keras")
class ColorJitter(Augmentation):
    """Changes brightness, contrast, saturation and hue of each image at random.

    All four are one linear map of the colors of an image (the hue is rotated around
    the axis of grays, which preserves luma), and values are clipped once, at the end.
    Grayscale images change in brightness and contrast only. Keras's
    `RandomColorJitter` makes four passes over the images and takes no seed in a call.

    Args:
        brightness: float from 0 to 1; a number from `-brightness` to `brightness` is
            added.
        contrast: float from 0 to 1; the difference to the mean luma of the image is
            multiplied by `1 - contrast` to `1 + contrast`.
        saturation: float from 0 to 1; the difference to gray is multiplied by
            `1 - saturation` to `1 + saturation`.
        hue: float from 0 to 0.5, the largest rotation of the hue in either direction,
            as a fraction of the full circle.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1], `C` 1 or 3.
        training: bool, whether to augment.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: If an argument is out of range, or images are neither grayscale nor
            RGB.

    Example:

    >>> layer = ColorJitter(brightness=0.1)
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(
        self,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.03,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        check_numbers(
            brightness=brightness, contrast=contrast, saturation=saturation, high=1.0
        )
        check_numbers(hue=hue, high=0.5)
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        count, height, width, channels = ops.shape(images)
        if channels not in (1, 3):
            raise ValueError(
                f"ColorJitter takes grayscale images (1 channel) or RGB images (3). "
                f"Received: {channels} channels."
            )
        draws = (2.0 * uniform(seed, (4, count)) - 1.0)[..., None, None]
        contrast = 1.0 + self.contrast * draws[1]
        pixels = ops.reshape(images, (count, height * width, channels))
        mean = ops.mean(pixels, axis=1, keepdims=True)
        if channels == 1:
            changed = pixels * contrast
        else:
            mean = ops.matmul(mean, YIQ[:1].T.astype("float32"))
            changed = ops.matmul(pixels, contrast * self._colors(draws[2], draws[3]))
        changed += (1.0 - contrast) * mean + self.brightness * draws[0]
        return ops.reshape(ops.clip(changed, 0.0, 1.0), ops.shape(images))

    def _colors(self, saturation, hue):
        """Returns the map of colors `[B, 3, 3]`, to multiply rows by."""
        saturation = 1.0 + self.saturation * saturation
        angle = 2 * math.pi * self.hue * hue
        luma, chroma, rotated = (
            matrix.T.astype("float32") for matrix in (LUMA, CHROMA, ROTATED)
        )
        return luma + saturation * (ops.cos(angle) * chroma + ops.sin(angle) * rotated)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "brightness": self.brightness,
            "contrast": self.contrast,
            "saturation": self.saturation,
            "hue": self.hue,
        }
