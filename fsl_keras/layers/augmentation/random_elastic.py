"""Smooth random deformation."""

import keras
import numpy as np
from keras import ops

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.layers.augmentation.resampling import pixel_grid, resample


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomElastic(Augmentation):
    """Bends each picture at random, as if it were drawn on rubber.

    Each knot of a coarse grid moves at random, and cubic B-splines carry the pixels
    between along. No pixel moves farther than `strength` each way, and most move by
    half of that or less. What moves in from outside is 0. Keras's
    `RandomElasticTransform` fails under XLA and takes no seed in a call.

    References:

    - [Simard et al., 2003](https://doi.org/10.1109/ICDAR.2003.1227801), elastic
      distortions
    - [Rueckert et al., 1999](https://doi.org/10.1109/42.796284), B-splines on a grid

    Args:
        strength: float, the largest shift of a knot each way, in pixels.
        cells: integer, the cells of the grid on each side of a picture: the more, the
            finer the bends.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Raises:
        ValueError: if `strength` is negative or `cells` no positive integer.

    Example:

    >>> layer = RandomElastic(strength=2)
    >>> layer.transform(np.ones((2, 28, 28, 1), "float32"), seed=(7, 0)).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(self, strength=3.0, cells=4, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_numbers(strength=strength)
        check_numbers(cells=cells, low=1)
        if cells != int(cells):
            raise ValueError(f"`cells` must be an integer. Received: cells={cells!r}")
        self.strength = strength
        self.cells = int(cells)

    def augment(self, images, seed):
        count, height, width, _ = ops.shape(images)
        # Each cell is bent by the four knots around it on each axis.
        knots = self.cells + 3
        draws = uniform(seed, (2, count, knots, knots))
        shifts = self.strength * (2.0 * draws - 1.0)
        # [2, B, height, width], down and to the right
        moves = ops.einsum(
            "hi,abij,wj->abhw",
            _splines(height, self.cells),
            shifts,
            _splines(width, self.cells),
        )
        rows, columns = pixel_grid(images)
        return resample(images, rows + moves[0], columns + moves[1])

    def get_config(self):
        return {**super().get_config(), "strength": self.strength, "cells": self.cells}


def _splines(length, cells):
    """Returns the share float32 `[length, cells + 3]` of each knot in each pixel."""
    places = (np.arange(length) + 0.5) * cells / length
    distance = np.abs(places[:, None] - np.arange(-1, cells + 2))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype("float32")
