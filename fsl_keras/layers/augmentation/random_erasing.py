"""Random erasing of a rectangle."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers, check_pairs
from fsl_keras.layers.augmentation.resampling import pixel_grid
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(value="fill_value")
class RandomErasing(Augmentation):
    """Erases a random rectangle of some images.

    The rectangle lies inside the image; one that would be higher or wider than the
    image is cut off. Keras's `RandomErasing` takes no seed in a call.

    Reference:

    - [Zhong et al., 2020](https://arxiv.org/abs/1708.04896)

    Args:
        rate: float from 0 to 1, the probability that an image is changed.
        scale: pair of floats in (0, 1], the range of the area of the rectangle, as a
            fraction of the area of the image.
        ratio: pair of positive floats, the range of the height of the rectangle over
            its width. Its logarithm is drawn uniformly.
        fill_value: float from 0 to 1, the value of the erased rectangle.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1].
        training: bool, whether to augment.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import numpy as np
    >>> layer = RandomErasing(rate=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))
    >>> float(np.mean(layer.transform(np.ones((1, 8, 8, 3), "float32"), seed=(7, 0))))
    0.75
    """

    def __init__(
        self,
        rate: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 1 / 0.3),
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        check_numbers(rate=rate, fill_value=fill_value, high=1.0)
        check_pairs(scale=scale, high=1.0)
        check_pairs(ratio=ratio)
        self.rate = rate
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.fill_value = fill_value

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (5, count))[..., None, None]
        smallest, largest = self.scale
        area = between(smallest, largest, draws[1]) * (height * width)
        low, high = map(math.log, self.ratio)
        ratio = ops.exp(between(low, high, draws[2]))
        rows, columns = pixel_grid(images)
        inside = _inside(rows, ops.sqrt(area * ratio), draws[3], height)
        inside &= _inside(columns, ops.sqrt(area / ratio), draws[4], width)
        inside &= draws[0] < self.rate
        return tf.where(inside[..., None], self.fill_value, images)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "scale": self.scale,
            "ratio": self.ratio,
            "fill_value": self.fill_value,
        }


def _inside(pixels, side, draw, length):
    """Returns which pixels of an axis a rectangle covers."""
    side = ops.minimum(ops.round(side), length)
    first = ops.floor(draw * (length - side + 1.0))
    return (pixels >= first) & (pixels < first + side)
