"""Rotation, zoom, shear and shift in one resampling."""

import math

import keras
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.layers.augmentation.resampling import pixel_grid, resample


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomAffine(Augmentation):
    """Turns, zooms, shears and shifts each picture at random, in one resampling.

    One resampling blurs once, where a chain of Keras's own layers blurs at each.
    What moves in from outside is 0, the paper of characters. `transform` is pure in
    its seed, for `episodes(augmentation=...)`; as a layer in a model it acts in
    training only.

    Args:
        rotation: float, the largest turn to either side, in degrees.
        zoom: float, the largest natural logarithm of the zoom of height and of
            width: 0.15 goes from 0.86 to 1.16.
        shear: float, the largest shear to either side, as a slope.
        shift: float, the largest shift each way, in pixels.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if a number is negative.

    Example:

    >>> import numpy as np
    >>> pictures = np.ones((2, 28, 28, 1), "float32")
    >>> layer = RandomAffine(rotation=15, shift=2)
    >>> a, b = (layer.transform(pictures, seed=(7, 0)) for _ in range(2))
    >>> bool(np.all(a == b)), bool(np.all(layer(pictures) == pictures))
    (True, True)
    """

    def __init__(
        self, rotation=15.0, zoom=0.15, shear=0.15, shift=2.0, seed=None, **kwargs
    ):
        super().__init__(seed, **kwargs)
        check_numbers(rotation=rotation, zoom=zoom, shear=shear, shift=shift)
        self.rotation = rotation
        self.zoom = zoom
        self.shear = shear
        self.shift = shift

    def augment(self, images, seed):
        count = ops.shape(images)[0]
        draws = (2.0 * uniform(seed, (6, count)) - 1.0)[..., None, None]
        angle = draws[0] * (self.rotation * math.pi / 180)
        height, width = ops.exp(self.zoom * draws[1]), ops.exp(self.zoom * draws[2])
        shear = self.shear * draws[3]
        cosine, sine = ops.cos(angle), ops.sin(angle)
        # The rows of the map from a place of the result to its place in the picture:
        # a turn, after a shear, after a zoom.
        a, b = cosine * width, (shear * cosine - sine) * height
        c, d = sine * width, (shear * sine + cosine) * height
        # The middle stays where it is, but for the shift.
        x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
        rows, columns = pixel_grid(images)
        rows, columns = rows - y, columns - x
        right = x + self.shift * draws[4]
        down = y + self.shift * draws[5]
        return resample(
            images, c * columns + d * rows + down, a * columns + b * rows + right
        )

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "zoom": self.zoom,
            "shear": self.shear,
            "shift": self.shift,
        }
