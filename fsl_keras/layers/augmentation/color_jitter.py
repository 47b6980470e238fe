"""Random brightness, contrast, saturation and hue in one pass."""

import math

import keras
import numpy as np
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers

# From RGB to brightness and two axes of colour (YIQ, the American colour television).
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
RGB = np.linalg.inv(YIQ)
# What makes of a colour its grey, its colour, and its colour a quarter turn on.
GREY = RGB[:, :1] @ YIQ[:1]
COLOR = RGB[:, 1:] @ YIQ[1:]
TURNED = RGB[:, 1:] @ np.array([[0, -1], [1, 0]]) @ YIQ[1:]


@keras.saving.register_keras_serializable(package="fsl_keras")
class ColorJitter(Augmentation):
    """Changes brightness, contrast, saturation and hue of each picture at random.

    All four are one linear map of the colours of a picture (the hue turns around the
    axis of greys and keeps the brightness), and values are clipped once, at the end.
    Grey pictures change in brightness and contrast alone. Keras's `RandomColorJitter`
    goes over the pictures four times and takes no seed in a call.

    Args:
        brightness: float from 0 to 1, the most that is added or taken.
        contrast: float from 0 to 1: the distance from the mean brightness of the
            picture is multiplied by `1 - contrast` to `1 + contrast`.
        saturation: float from 0 to 1: the distance from grey is multiplied by
            `1 - saturation` to `1 + saturation`.
        hue: float from 0 to 0.5, the largest turn of the hue to either side, as a
            share of the whole circle.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1, `C` 1 or 3.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if a number is out of range, or pictures are neither grey nor RGB.

    Example:

    >>> layer = ColorJitter(brightness=0.1)
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(
        self,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
        hue=0.03,
        seed=None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        check_numbers(
            brightness=brightness, contrast=contrast, saturation=saturation, high=1.0
        )
        check_numbers(hue=hue, high=0.5)
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue

    def augment(self, images, seed):
        count, height, width, channels = ops.shape(images)
        if channels not in (1, 3):
            raise ValueError(
                f"ColorJitter takes grey (1 channel) or RGB (3) pictures. Received: "
                f"{channels} channels."
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
        """Returns the map of colours `[B, 3, 3]`, for rows from the left."""
        saturation = 1.0 + self.saturation * saturation
        angle = 2 * math.pi * self.hue * hue
        grey, color, turned = (m.T.astype("float32") for m in (GREY, COLOR, TURNED))
        return grey + saturation * (ops.cos(angle) * color + ops.sin(angle) * turned)

    def get_config(self):
        return {
            **super().get_config(),
            "brightness": self.brightness,
            "contrast": self.contrast,
            "saturation": self.saturation,
            "hue": self.hue,
        }
