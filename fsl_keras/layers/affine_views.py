"""The same picture turned, zoomed, sheared and shifted in fixed ways."""

import itertools
import math

import keras
import numpy as np
from keras import ops

from fsl_keras.layers.augmentation.checks import check_numbers


@keras.saving.register_keras_serializable(package="fsl_keras")
class AffineViews(keras.layers.Layer):
    """Gives several views of each picture, always the same ones.

    The first view is the picture itself. In eight others it is turned, zoomed in height
    and in width, sheared, and shifted along both axes all at once, each to one side or
    the other: the runs of a 2^(6-3) factorial design, in which every two of the six
    changes meet with all combinations of their signs. What moves in from outside is 0,
    the paper of characters.

    Args:
        rotation: float, the turn to either side, in degrees.
        zoom: float, the natural logarithm of the zoom of height and of width.
        shear: float, the shear to either side, as a slope.
        shift: float, the shift each way, in pixels.
        flip: bool, whether every view comes mirrored as well.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[B, H, W, C]`.

    Returns:
        `[B * views, H, W, C]`, the views of a picture one after the other.

    Raises:
        ValueError: if a number is negative.

    Example:

    >>> layer = AffineViews()
    >>> layer.count, layer(np.zeros((2, 28, 28, 1), "float32")).shape
    (9, TensorShape([18, 28, 28, 1]))
    """

    def __init__(
        self, rotation=9.0, zoom=0.12, shear=0.12, shift=1.2, flip=False, **kwargs
    ):
        super().__init__(**kwargs)
        check_numbers(rotation=rotation, zoom=zoom, shear=shear, shift=shift)
        self.rotation = rotation
        self.zoom = zoom
        self.shear = shear
        self.shift = shift
        self.flip = flip
        self.maps = self._make_maps()

    @property
    def count(self):
        """The number of views of a picture."""
        return len(self.maps)

    def call(self, images):
        height, width, channels = images.shape[1:]
        # A view is a fixed sum of four pixels at each place: any backend and any
        # exported format can gather and add.
        pixels = ops.reshape(images, (-1, height * width, channels))
        index, share = _corners(self.maps, height, width)
        near = ops.take(pixels, index.reshape(-1), axis=1)
        near = ops.reshape(near, (-1, *index.shape, channels))
        share = ops.cast(share[..., None], images.dtype)
        return ops.reshape(ops.sum(near * share, axis=2), (-1, height, width, channels))

    def compute_output_shape(self, input_shape):
        batch = input_shape[0] and input_shape[0] * self.count
        return (batch, *input_shape[1:])

    def _make_maps(self):
        """Returns `[views, 2, 3]`, from a place of a view to one of the picture.

        Places are (down, right) from the middle, in pixels.
        """
        angle = math.radians(self.rotation)
        sizes = [angle, self.shift, self.shift, self.zoom, self.zoom, self.shear]
        signs = [(0,) * 6]
        for a, b, c in itertools.product((-1, 1), repeat=3):
            signs.append((a, b, c, a * b, a * c, b * c))
        maps = np.stack([_map(*view) for view in np.array(signs) * sizes])
        if self.flip:
            mirrored = maps * np.array([[1.0, -1.0, 1.0]])
            maps = np.concatenate([maps, mirrored])
        return maps

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "zoom": self.zoom,
            "shear": self.shear,
            "shift": self.shift,
            "flip": self.flip,
        }


def _map(angle, right, down, wide, tall, slope):
    """Returns the map `[2, 3]` of one view: a zoom, then a shear, then a turn."""
    zoom = np.diag(np.exp([tall, wide]))
    shear = np.array([[1.0, 0.0], [slope, 1.0]])
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return np.concatenate([turn @ shear @ zoom, [[down], [right]]], axis=1)


def _corners(maps, height, width):
    """Returns the pixels that each place of a view lies between, and their shares.

    Returns:
        int32 and float32 `[views * H * W, 4]`; the share of a pixel outside is 0.
    """
    rows, columns = np.arange(height), np.arange(width)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1) - middle
    places = np.concatenate([places, np.ones((height, width, 1))], axis=-1)
    places = np.einsum("vij,hwj->vhwi", maps, places).reshape(-1, 2) + middle
    corner = np.floor(places)[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    share = np.prod(1 - np.abs(places[:, None] - corner), axis=-1)
    last = np.array([height - 1, width - 1])
    share *= ((corner >= 0) & (corner <= last)).all(axis=-1)
    corner = np.clip(corner, 0, last).astype("int32")
    return corner[..., 0] * width + corner[..., 1], share.astype("float32")
