"""A random rectangle of each picture, erased."""

import math

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers, check_pairs
from fsl_keras.layers.augmentation.resampling import pixel_grid


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomErasing(Augmentation):
    """Erases a rectangle of some pictures, so that no part of them is relied on.

    The rectangle lies in the picture whole; one that would be higher or wider is cut
    off there. Keras's `RandomErasing` takes no seed in a call.

    Reference:

    - [Zhong et al., 2020](https://arxiv.org/abs/1708.04896)

    Args:
        rate: float from 0 to 1, the chance of a picture to lose a rectangle.
        scale: pair of floats in (0, 1], the smallest and the largest area of the
            rectangle, as a share of the picture's.
        ratio: pair of floats above 0, the smallest and the largest height of the
            rectangle over its width, each equally likely as its inverse.
        value: float from 0 to 1, what is there instead.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if a number is out of range.

    Example:

    >>> import numpy as np
    >>> layer = RandomErasing(rate=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))
    >>> float(np.mean(layer.transform(np.ones((1, 8, 8, 3), "float32"), seed=(7, 0))))
    0.75
    """

    def __init__(
        self,
        rate=0.5,
        scale=(0.02, 0.33),
        ratio=(0.3, 1 / 0.3),
        value=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        check_numbers(rate=rate, value=value, high=1.0)
        check_pairs(scale=scale, high=1.0)
        check_pairs(ratio=ratio)
        self.rate = rate
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.value = value

    def augment(self, images, seed):
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (5, count))[..., None, None]
        area = between(*self.scale, draws[1]) * (height * width)
        ratio = ops.exp(between(*map(math.log, self.ratio), draws[2]))
        rows, columns = pixel_grid(images)
        inside = _inside(rows, ops.sqrt(area * ratio), draws[3], height)
        inside &= _inside(columns, ops.sqrt(area / ratio), draws[4], width)
        inside &= draws[0] < self.rate
        return tf.where(inside[..., None], self.value, images)

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "scale": self.scale,
            "ratio": self.ratio,
            "value": self.value,
        }


def _inside(pixels, side, draw, length):
    """Returns which pixels of an axis are on the side of a rectangle."""
    side = ops.minimum(ops.round(side), length)
    first = ops.floor(draw * (length - side + 1.0))
    return (pixels >= first) & (pixels < first + side)
