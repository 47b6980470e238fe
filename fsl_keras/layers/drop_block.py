"""Dropout of whole regions of feature maps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fsl_keras")
class DropBlock(keras.layers.Layer):
    """Sets random square regions of each feature map to zero in training.

    Neighbours in a feature map say much the same, so single numbers that are dropped
    are made up for by those beside them; a region is not. What is kept is scaled up
    so that the maps of a batch hold as much as before. Without `training`, maps stay
    as they are.

    Reference:

    - [Ghiasi et al., 2018](https://arxiv.org/abs/1810.12890)

    Args:
        rate: float in [0, 1), about the share of numbers that are dropped; less where
            regions overlap.
        block_size: integer, side of the regions; at most that of the feature map.
        seed: optional integer.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float feature maps `[B, h, w, c]` of a fixed height and width.
        training: bool, whether to drop.

    Returns:
        A tensor like `inputs`.

    Example:

    >>> import numpy as np
    >>> layer = DropBlock(rate=0.2, block_size=3, seed=0)
    >>> maps = np.ones((8, 10, 10, 4), "float32")
    >>> dropped = np.asarray(layer(maps, training=True))
    >>> round(float(dropped.mean()), 3), bool((dropped == 0).any())
    (1.0, True)
    """

    def __init__(self, rate, block_size=5, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}")
        if block_size < 1:
            raise ValueError(
                f"`block_size` must be at least 1. Received: block_size={block_size}"
            )
        self.rate = rate
        self.block_size = block_size
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                f"{type(self).__name__} takes feature maps [B, h, w, c] of a fixed "
                f"size. Received maps of shape {tuple(input_shape)}: give the size in "
                f"`keras.Input`."
            )

    def call(self, inputs, training=None):
        if not training or self.rate == 0:
            return inputs
        _, height, width, channels = inputs.shape
        side = min(self.block_size, height, width)
        # Regions lie in the map whole: these are the places of their first corners.
        corners = (height - side + 1, width - side + 1)
        chance = self.rate * height * width / (side**2 * corners[0] * corners[1])
        draws = keras.random.uniform(
            (ops.shape(inputs)[0], *corners, channels), seed=self.seed_generator
        )
        margin = (side - 1, side - 1)
        drawn = ops.pad(
            ops.cast(draws < chance, "float32"), ((0, 0), margin, margin, (0, 0))
        )
        kept = 1.0 - ops.max_pool(drawn, side, strides=1, data_format="channels_last")
        total = ops.cast(ops.size(kept), "float32")
        scaled = kept * (total / ops.maximum(ops.sum(kept), 1.0))
        return inputs * ops.cast(scaled, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "block_size": self.block_size,
            "seed": self.seed,
        }
