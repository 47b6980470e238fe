"""Dropout of contiguous regions of feature maps."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class DropBlock(keras.layers.Layer):
    """Sets random square regions of each feature map to zero during training.

    Adjacent activations are correlated, so that dropping single units has little
    effect; DropBlock drops contiguous regions. The remaining activations are scaled up
    by the inverse of their fraction in the batch. Inference is the identity.

    Reference:

    - [Ghiasi et al., 2018](https://arxiv.org/abs/1810.12890)

    Args:
        rate: float in [0, 1), the expected fraction of activations to drop; slightly
            fewer are dropped, as regions may overlap.
        block_size: integer, the side of the regions, at most that of the feature map.
            Defaults to `5`.
        seed: optional integer.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float feature maps `[B, h, w, c]` of a fixed height and width.
        training: bool, whether to drop regions.

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

    def __init__(
        self,
        rate: float,
        block_size: int = 5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
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

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                f"{type(self).__name__} takes feature maps [B, h, w, c] of a fixed "
                f"size, which `keras.Input` sets. Received: input_shape="
                f"{tuple(input_shape)}"
            )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        _, height, width, channels = inputs.shape
        side = min(self.block_size, height, width)
        # Regions lie inside the map: these are the possible places of their corners.
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

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "block_size": self.block_size,
            "seed": self.seed,
        }
