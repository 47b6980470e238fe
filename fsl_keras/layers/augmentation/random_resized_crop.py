"""Random crops, resized to one size."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_pairs
from fsl_keras.layers.augmentation.resampling import resample
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomResizedCrop(Augmentation):
    """Crops a random part of each image and resizes it to one size.

    A crop that would be wider or higher than the image is cut off. Crops are not
    aligned to pixels.

    Reference:

    - [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842), section 6
    - training crops smaller than the images at test time:
      [Touvron et al., 2019](https://arxiv.org/abs/1906.06423)

    Args:
        scale: pair of floats in (0, 1], the range of the area of the crop, as a
            fraction of the area of the image.
        ratio: pair of positive floats, the range of the aspect ratio of the crop (width
            over height) relative to that of the image. Its logarithm is drawn
            uniformly.
        size: optional pair of integers, height and width of the result in pixels.
            Defaults to the size of the images.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1].
        training: bool, whether to crop. If not, whole images are resized to `size`.

    Returns:
        Images `[..., *size, C]` of the same dtype.

    Raises:
        ValueError: If `scale` or `ratio` is not a pair `(low, high)` in its range, or
            `size` not a pair of positive integers.

    Example:

    >>> import numpy as np
    >>> layer = RandomResizedCrop(scale=(0.3, 1.0))
    >>> layer.transform(np.ones((2, 84, 84, 3), "float32"), seed=(7, 0)).shape
    TensorShape([2, 84, 84, 3])
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.5, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        size: tuple[int, int] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
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

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
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

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        *lead, height, width, channels = input_shape
        return (*lead, *(self.size or (height, width)), channels)

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (4, count))[..., None, None]
        smallest, largest = self.scale
        area = between(smallest, largest, draws[0])
        low, high = map(math.log, self.ratio)
        ratio = ops.exp(between(low, high, draws[1]))
        tall = ops.minimum(ops.sqrt(area / ratio), 1.0)
        wide = ops.minimum(ops.sqrt(area * ratio), 1.0)
        size = self.size or (height, width)
        rows = _places(ops.arange(size[0])[:, None], size[0], tall, draws[2], height)
        columns = _places(ops.arange(size[1])[None], size[1], wide, draws[3], width)
        shape = (count, *size)
        return resample(
            images, ops.broadcast_to(rows, shape), ops.broadcast_to(columns, shape)
        )

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "ratio": self.ratio, "size": self.size}
        return {**super().get_config(), **own}


def _places(pixels, count, fraction, draw, length):
    """Returns where to read `count` pixels of a crop of a fraction of an axis."""
    step = fraction * (length / count)
    pixels = ops.cast(pixels, "float32")
    # The first pixel begins half a pixel before its center. The edge of the crop may
    # lie beyond the center of the last pixel, whose value continues there.
    first = draw * (1.0 - fraction) * length
    return ops.clip(first + (pixels + 0.5) * step - 0.5, 0.0, length - 1.0)
