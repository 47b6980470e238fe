"""Rotation, zoom, shear and shift in one resampling."""

import math

import keras
from keras import ops

from fsl_keras.episodes.random import uniform


@keras.saving.register_keras_serializable(package="fsl_keras")
class RandomAffine(keras.layers.Layer):
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
        images: float32 `[B, H, W, C]`.
        training: bool.

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
        super().__init__(**kwargs)
        self.rotation = rotation
        self.zoom = zoom
        self.shear = shear
        self.shift = shift
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # TensorFlow's resampling has no XLA kernel.
        self.supports_jit = False

    def transform(self, images, seed):
        """Transforms pictures, each in a way of its own.

        Args:
            images: float32 `[B, H, W, C]`.
            seed: two integers; the same seed gives the same pictures.

        Returns:
            float32 `[B, H, W, C]`.
        """
        images = ops.convert_to_tensor(images)
        count = ops.shape(images)[0]
        draws = 2.0 * uniform(ops.cast(seed, "int64"), (6, count)) - 1.0
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
        right = x - a * x - b * y + self.shift * draws[4]
        down = y - c * x - d * y + self.shift * draws[5]
        zeros = ops.zeros_like(a)
        maps = ops.stack([a, b, right, c, d, down, zeros, zeros], axis=-1)
        return ops.image.affine_transform(images, maps, "bilinear", "constant", 0.0)

    def call(self, images, training=None):
        if not training:
            return images
        return self.transform(images, self.seed_generator.next())

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "zoom": self.zoom,
            "shear": self.shear,
            "shift": self.shift,
            "seed": self.seed,
        }
