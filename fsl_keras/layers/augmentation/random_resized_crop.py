"""A random part of each picture, at the size of the whole."""

import math

import keras
from keras import ops

from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_pairs
from fsl_keras.layers.augmentation.resampling import pixel_grid, resample


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomResizedCrop(Augmentation):
    """Cuts a random part out of each picture and scales it to the picture's size.

    A part that would be wider or higher than the picture is cut off there. Parts
    lie anywhere, also between pixels.

    Reference:

    - [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842), section 6

    Args:
        scale: pair of floats in (0, 1], the smallest and the largest area of the part,
            as a share of the picture's.
        ratio: pair of floats above 0, the smallest and the largest width of the part
            over its height, in units of the picture's; each equally likely as its
            inverse.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if `scale` or `ratio` is no pair of rising numbers in its range.

    Example:

    >>> import numpy as np
    >>> layer = RandomResizedCrop(scale=(0.3, 1.0))
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(self, scale=(0.5, 1.0), ratio=(3 / 4, 4 / 3), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_pairs(scale=scale, high=1.0)
        check_pairs(ratio=ratio)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)

    def augment(self, images, seed):
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (4, count))[..., None, None]
        area = between(*self.scale, draws[0])
        ratio = ops.exp(between(*map(math.log, self.ratio), draws[1]))
        tall = ops.minimum(ops.sqrt(area / ratio), 1.0)
        wide = ops.minimum(ops.sqrt(area * ratio), 1.0)
        rows, columns = pixel_grid(images)
        rows = _places(rows, tall, draws[2], height)
        columns = _places(columns, wide, draws[3], width)
        shape = (count, height, width)
        return resample(
            images, ops.broadcast_to(rows, shape), ops.broadcast_to(columns, shape)
        )

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "ratio": self.ratio}


def _places(pixels, share, draw, length):
    """Returns where to read the pixels of an axis of which a share is shown."""
    # The first pixel begins half a pixel before its middle. The rim of the part may
    # lie farther out than the middle of the last pixel, whose colour goes on there.
    first = draw * (1.0 - share) * length
    return ops.clip(first + (pixels + 0.5) * share - 0.5, 0.0, length - 1.0)
