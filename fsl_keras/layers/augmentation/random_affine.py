"""Random rotation, zoom, shear and translation in one resampling."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.episodes.random import between, uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import (
    Factor,
    check_numbers,
    to_factor,
    to_range,
)
from fsl_keras.layers.augmentation.lengths import Pixels, length_config, unit_in_pixels
from fsl_keras.layers.augmentation.resampling import pixel_grid, resample
from fsl_keras.typing import Tensor

# As likely to enlarge by a factor as to shrink by it: from 1 / 1.16 to 1.16.
ZOOM = (math.expm1(-0.15), math.expm1(0.15))


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(
    rotation=("rotation_factor", lambda degrees: degrees / 360),
    zoom=("zoom_factor", lambda log: (math.expm1(-log), math.expm1(log))),
    shear="shear_factor",
    shift=("translation_factor", Pixels),
)
class RandomAffine(Augmentation):
    """Rotates, zooms, shears and translates each image at random.

    The factors mean what they do in `keras.layers.RandomRotation`, `RandomZoom`,
    `RandomShear` and `RandomTranslation`. All four are applied in a single bilinear
    resampling, which blurs once; a chain of Keras's layers blurs at each. Points
    outside of an image are filled with a constant, as by `fill_mode="constant"`.

    Each factor is a float `f`, for the range `(-f, f)`, or a pair `(low, high)`.

    Args:
        rotation_factor: range of the angle, as a fraction of 2 pi. Positive values
            rotate counter-clockwise. Defaults to `1 / 24`, 15 degrees.
        zoom_factor: range of the zoom of height and of width, each by itself, with the
            lower bound above -1. Positive values zoom out, negative ones zoom in: 0.1
            shows 110 % of the image. The logarithm of the size is drawn uniformly.
            Defaults to `(-0.14, 0.16)`, about.
        shear_factor: range of the horizontal shear: at 0.1, a row is displaced by a
            tenth of its distance from the center. Defaults to `0.15`.
        translation_factor: range of the shift, as a fraction of the height and of the
            width. Positive values shift down and right. Defaults to `1 / 14`.
        fill_value: float from 0 to 1, the value of points outside of the image.
            Defaults to `0.0`, black.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1].
        training: bool, whether to augment.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: If a factor is out of range.

    Example:

    >>> import numpy as np
    >>> images = np.ones((2, 28, 28, 1), "float32")
    >>> layer = RandomAffine(rotation_factor=0.05, translation_factor=0.1)
    >>> a, b = (layer.transform(images, seed=(7, 0)) for _ in range(2))
    >>> bool(np.all(a == b)), bool(np.all(layer(images) == images))
    (True, True)
    """

    def __init__(
        self,
        rotation_factor: Factor = 1 / 24,
        zoom_factor: Factor = ZOOM,
        shear_factor: Factor = 0.15,
        translation_factor: Factor = 1 / 14,
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        check_numbers(fill_value=fill_value, high=1.0)
        if not isinstance(translation_factor, Pixels):
            translation_factor = to_factor("translation_factor", translation_factor)
        self.rotation_factor = to_factor("rotation_factor", rotation_factor)
        self.zoom_factor = to_factor("zoom_factor", zoom_factor, -0.99, math.inf)
        self.shear_factor = to_factor("shear_factor", shear_factor)
        self.translation_factor = translation_factor
        self.fill_value = fill_value

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        count, height, width, _ = ops.shape(images)
        draws = uniform(seed, (6, count))[..., None, None]
        angle = 2 * math.pi * between(*to_range(self.rotation_factor), draws[0])
        low, high = map(math.log1p, to_range(self.zoom_factor))
        tall, wide = (ops.exp(between(low, high, draws[axis])) for axis in (1, 2))
        shear = between(*to_range(self.shear_factor), draws[3])
        # Points are read the other way than the image moves.
        low, high = to_range(self.translation_factor)
        right, down = (between(-high, -low, draws[axis]) for axis in (4, 5))
        cosine, sine = ops.cos(angle), ops.sin(angle)
        # The rows of the map from a point of the result to one of the image: a zoom,
        # a shear and a rotation around the center.
        a, b = cosine * wide, (shear * cosine - sine) * tall
        c, d = sine * wide, (shear * sine + cosine) * tall
        x, y = (width - 1) / 2, (height - 1) / 2
        rows, columns = pixel_grid(images)
        rows, columns = rows - y, columns - x
        right = x + unit_in_pixels(self.translation_factor, width) * right
        down = y + unit_in_pixels(self.translation_factor, height) * down
        return resample(
            images,
            c * columns + d * rows + down,
            a * columns + b * rows + right,
            self.fill_value,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rotation_factor": self.rotation_factor,
            "zoom_factor": self.zoom_factor,
            "shear_factor": self.shear_factor,
            **length_config(self.translation_factor, "translation_factor", "shift"),
            "fill_value": self.fill_value,
        }
