"""Fixed rotations, zooms, shears and translations of images."""

import itertools
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.layers.augmentation.checks import check_numbers
from fsl_keras.layers.augmentation.lengths import Pixels, length_config, unit_in_pixels
from fsl_keras.typing import Shape, Tensor

ZOOM = math.expm1(0.12)

OLD_ARGUMENTS: dict[str, Any] = {
    "rotation": ("rotation_factor", lambda degrees: degrees / 360),
    "zoom": ("zoom_factor", math.expm1),  # the logarithm
    "shear": "shear_factor",
    "shift": ("translation_factor", Pixels),
}


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(**OLD_ARGUMENTS)
class AffineViews(keras.layers.Layer):
    """Gives several fixed views of each image.

    The first view is the image itself. In each of eight others it is rotated, zoomed in
    height and in width, sheared, and shifted along both axes, each by a fixed amount in
    one of the two directions. The directions are the runs of a 2^(6-3) factorial
    design, in which every two of the six changes are combined in all four ways. Points
    outside of the image are 0.

    Args:
        rotation_factor: float, the angle as a fraction of 2 pi. Defaults to `0.025`, 9
            degrees.
        zoom_factor: float; height and width are scaled by `1 + zoom_factor` or by its
            inverse. Defaults to `0.1275`, about.
        shear_factor: float; a column is displaced by this fraction of its distance from
            the center. Defaults to `0.12`.
        translation_factor: float, the shift as a fraction of the height and of the
            width. Defaults to `1.2 / 28`.
        flip: bool, whether to add the mirror image of each view. Defaults to `False`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[B, H, W, C]`.

    Returns:
        `[B * views, H, W, C]`, the views of the first image, then those of the second
        and so on.

    Raises:
        ValueError: If a factor is negative.

    Example:

    >>> layer = AffineViews()
    >>> layer.count, layer(np.zeros((2, 28, 28, 1), "float32")).shape
    (9, TensorShape([18, 28, 28, 1]))
    """

    def __init__(
        self,
        rotation_factor: float = 0.025,
        zoom_factor: float = ZOOM,
        shear_factor: float = 0.12,
        translation_factor: float = 1.2 / 28,
        flip: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_numbers(
            rotation_factor=rotation_factor,
            zoom_factor=zoom_factor,
            shear_factor=shear_factor,
            translation_factor=translation_factor,
        )
        self.rotation_factor = rotation_factor
        self.zoom_factor = zoom_factor
        self.shear_factor = shear_factor
        self.translation_factor = translation_factor
        self.flip = flip

    @property
    def count(self) -> int:
        """The number of views of an image."""
        return 18 if self.flip else 9

    def call(self, images: Tensor) -> Tensor:
        height, width, channels = images.shape[1:]
        # A pixel of a view is a fixed sum of four pixels: any backend and any exported
        # format can gather and add.
        pixels = ops.reshape(images, (-1, height * width, channels))
        index, weight = _corners(self.maps(height, width), height, width)
        near = ops.take(pixels, index.reshape(-1), axis=1)
        near = ops.reshape(near, (-1, *index.shape, channels))
        weight = ops.cast(weight[..., None], images.dtype)
        views = ops.sum(near * weight, axis=2)
        return ops.reshape(views, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch = input_shape[0] and input_shape[0] * self.count
        return (batch, *input_shape[1:])

    def maps(self, height: int, width: int) -> np.ndarray:
        """Returns the affine maps from points of the views to points of an image.

        Args:
            height: integer, the height of images in pixels.
            width: integer, likewise.

        Returns:
            float64 `[views, 2, 3]`. Points are (down, right) from the center, in
            pixels.
        """
        angle = 2 * math.pi * self.rotation_factor
        zoom = math.log1p(self.zoom_factor)
        down, right = (
            self.translation_factor * unit_in_pixels(self.translation_factor, side)
            for side in (height, width)
        )
        sizes = [angle, right, down, zoom, zoom, self.shear_factor]
        signs = [(0,) * 6]
        for a, b, c in itertools.product((-1, 1), repeat=3):
            signs.append((a, b, c, a * b, a * c, b * c))
        maps = np.stack([_map(*view) for view in np.array(signs) * sizes])
        if self.flip:
            mirrored = maps * np.array([[1.0, -1.0, 1.0]])
            maps = np.concatenate([maps, mirrored])
        return maps

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rotation_factor": self.rotation_factor,
            "zoom_factor": self.zoom_factor,
            "shear_factor": self.shear_factor,
            **length_config(self.translation_factor, "translation_factor", "shift"),
            "flip": self.flip,
        }


def _map(angle, right, down, wide, tall, shear):
    """Returns the map `[2, 3]` of a view: a zoom, a shear, a rotation and a shift."""
    zoom = np.diag(np.exp([tall, wide]))
    shear = np.array([[1.0, 0.0], [shear, 1.0]])
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    return np.concatenate([rotation @ shear @ zoom, [[down], [right]]], axis=1)


def _corners(maps, height, width):
    """Returns the pixels around each point of a view, and their bilinear weights.

    Returns:
        int32 and float32 `[views * H * W, 4]`; the weight of a pixel outside is 0.
    """
    rows, columns = np.arange(height), np.arange(width)
    center = np.array([(height - 1) / 2, (width - 1) / 2])
    points = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1) - center
    points = np.concatenate([points, np.ones((height, width, 1))], axis=-1)
    points = np.einsum("vij,hwj->vhwi", maps, points).reshape(-1, 2) + center
    corner = np.floor(points)[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    weight = np.prod(1 - np.abs(points[:, None] - corner), axis=-1)
    last = np.array([height - 1, width - 1])
    weight *= ((corner >= 0) & (corner <= last)).all(axis=-1)
    corner = np.clip(corner, 0, last).astype("int32")
    return corner[..., 0] * width + corner[..., 1], weight.astype("float32")
