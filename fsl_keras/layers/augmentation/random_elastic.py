"""Smooth random deformation."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.layers.augmentation.lengths import Pixels, length_config, unit_in_pixels
from fsl_keras.layers.augmentation.resampling import pixel_grid, resample
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(strength=("displacement_factor", Pixels))
class RandomElastic(Augmentation):
    """Deforms each image at random and smoothly.

    Each knot of a coarse grid is displaced at random, and the displacements of pixels
    are interpolated by cubic B-splines. No pixel moves farther than
    `displacement_factor` along an axis, and most move by half of that or less. Keras's
    `RandomElasticTransform` fails under XLA and takes no seed in a call.

    References:

    - [Simard et al., 2003](https://doi.org/10.1109/ICDAR.2003.1227801), elastic
      distortions
    - [Rueckert et al., 1999](https://doi.org/10.1109/42.796284), B-splines on a grid

    Args:
        displacement_factor: float from 0 to 1, the largest displacement of a knot along
            each axis, as a fraction of the height and of the width. Defaults to
            `3 / 28`.
        cells: integer, the cells of the grid along each axis; more cells give finer
            deformations. Defaults to `4`.
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
        ValueError: If an argument is out of range.

    Example:

    >>> layer = RandomElastic(displacement_factor=0.1)
    >>> layer.transform(np.ones((2, 28, 28, 1), "float32"), seed=(7, 0)).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(
        self,
        displacement_factor: float = 3 / 28,
        cells: int = 4,
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        if not isinstance(displacement_factor, Pixels):
            check_numbers(displacement_factor=displacement_factor, high=1.0)
        check_numbers(fill_value=fill_value, high=1.0)
        check_numbers(cells=cells, low=1)
        if cells != int(cells):
            raise ValueError(f"`cells` must be an integer. Received: cells={cells!r}")
        self.displacement_factor = displacement_factor
        self.cells = int(cells)
        self.fill_value = fill_value

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        count, height, width, _ = ops.shape(images)
        # Each cell is bent by the four knots around it on each axis.
        knots = self.cells + 3
        draws = uniform(seed, (2, count, knots, knots))
        displacements = self.displacement_factor * (2.0 * draws - 1.0)
        moves = ops.einsum(  # [2, B, height, width], down and right
            "hi,abij,wj->abhw",
            _splines(height, self.cells),
            displacements,
            _splines(width, self.cells),
        )
        rows, columns = pixel_grid(images)
        down = unit_in_pixels(self.displacement_factor, height) * moves[0]
        right = unit_in_pixels(self.displacement_factor, width) * moves[1]
        return resample(images, rows + down, columns + right, self.fill_value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **length_config(
                self.displacement_factor, "displacement_factor", "strength"
            ),
            "cells": self.cells,
            "fill_value": self.fill_value,
        }


def _splines(length, cells):
    """Returns the weight float32 `[length, cells + 3]` of each knot for each pixel."""
    places = (np.arange(length) + 0.5) * cells / length
    distance = np.abs(places[:, None] - np.arange(-1, cells + 2))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype("float32")
