"""A random part of each picture, at one size."""

import math

import keras
from keras import ops

from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_pairs
from fsl_keras.layers.augmentation.resampling import resample


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomResizedCrop(Augmentation):
    """Cuts a random part out of each picture and scales it to one size.

    A part that would be wider or higher than the picture is cut off there. Parts
    lie anywhere, also between pixels.

    Reference:

    - [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842), section 6
    - parts smaller than the pictures that a network is used on:
      [Touvron et al., 2019](https://arxiv.org/abs/1906.06423)

    Args:
        scale: pair of floats in (0, 1], the smallest and the largest area of the part,
            as a share of the picture's.
        ratio: pair of floats above 0, the smallest and the largest width of the part
            over its height, in units of the picture's; each equally likely as its
            inverse.
        size: optional pair of integers, height and width of what comes out, in pixels;
            the picture's by default.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them. If not, whole pictures are scaled to
            `size`.

    Returns:
        Pictures `[..., *size, C]` of the same dtype.

    Raises:
        ValueError: if `scale` or `ratio` is no pair of rising numbers in its range, or
            `size` no pair of positive integers.

    Example:

    >>> import numpy as np
    >>> layer = RandomResizedCrop(scale=(0.3, 1.0))
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(
        self, scale=(0.5, 1.0), ratio=(3 / 4, 4 / 3), size=None, seed=None, **kwargs
    ):
        super().__init__(seed, **kwargs)
        check_pairs(scale=scale, high=1.0)
        check_pairs(ratio=ratio)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(
                f"`size` must be a pair of positive integers, height and width in "
                f"pixels. Received: size={size}"
            )
        self.size = None if size is None else tuple(size)

    def call(self, images, training=None):
        if training or self.size is None:
            return super().call(images, training=training)
        images = ops.convert_to_tensor(images)
        *lead, _, _, _ = shape = ops.shape(images)
        resized = ops.image.resize(
            ops.reshape(images, (-1, *shape[-3:])),
            self.size,
            data_format="channels_last",
        )
        return ops.reshape(resized, (*lead, *resized.shape[1:]))

    def compute_output_shape(self, input_shape):
        *lead, height, width, channels = input_shape
        return (*lead, *(self.size or (height, width)), channels)

    def augment(self, images, seed):
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (4, count))[..., None, None]
        area = between(*self.scale, draws[0])
        ratio = ops.exp(between(*map(math.log, self.ratio), draws[1]))
        tall = ops.minimum(ops.sqrt(area / ratio), 1.0)
        wide = ops.minimum(ops.sqrt(area * ratio), 1.0)
        size = self.size or (height, width)
        rows = _places(ops.arange(size[0])[:, None], size[0], tall, draws[2], height)
        columns = _places(ops.arange(size[1])[None], size[1], wide, draws[3], width)
        shape = (count, *size)
        return resample(
            images, ops.broadcast_to(rows, shape), ops.broadcast_to(columns, shape)
        )

    def get_config(self):
        own = {"scale": self.scale, "ratio": self.ratio, "size": self.size}
        return {**super().get_config(), **own}


def _places(pixels, count, share, draw, length):
    """Returns where to read `count` pixels of an axis of which a share is shown."""
    share_of_pixel = share * (length / count)
    pixels = ops.cast(pixels, "float32")
    # The first pixel begins half a pixel before its middle. The rim of the part may
    # lie farther out than the middle of the last pixel, whose colour goes on there.
    first = draw * (1.0 - share) * length
    return ops.clip(first + (pixels + 0.5) * share_of_pixel - 0.5, 0.0, length - 1.0)
