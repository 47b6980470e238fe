"""The twelve-layer residual network of the few-shot papers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fsl_keras.backbones.arguments import RENAMED_POOLINGS, check_arguments
from fsl_keras.backbones.residual import normalized_convolution
from fsl_keras.compat import renamed_arguments, renamed_values
from fsl_keras.layers import DropBlock
from fsl_keras.presets import HasPresets

SLOPE = 0.1  # of the leaky ReLUs, below zero


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(item_shape="input_shape")
@renamed_values(pooling=RENAMED_POOLINGS)
class ResNet12(HasPresets, keras.Model):
    """The twelve-layer residual network of the few-shot papers.

    Four blocks of three 3x3 convolutions with batch normalization and leaky ReLUs, a
    1x1 convolution as shortcut and 2x2 max pooling. An 84x84 image is embedded as 640
    numbers. The last two blocks can end in `DropBlock`.

    References:

    - [Oreshkin et al., 2018](https://arxiv.org/abs/1805.10123), with `filters=(64,
      128, 256, 512)`
    - [Lee et al., 2019](https://arxiv.org/abs/1904.03758), with `drop_block=0.1`

    Args:
        input_shape: triple `(height, width, channels)` of float32 images in [0, 1],
            with at least 16 pixels in each direction.
        filters: integers, the channels of each block. Defaults to
            `(64, 160, 320, 640)`.
        drop_block: float in [0, 1), the rate of `DropBlock`. Defaults to `0.0`, none.
        block_size: integer, the side of the dropped regions. Defaults to `5`.
        pooling: `"avg"` (global average pooling) or `None` (feature maps
            `[h, w, filters[-1]]`). Defaults to `"avg"`.
        momentum: float, the momentum of the moving statistics of batch normalization.
            Defaults to `0.95`.
        synchronized: bool, whether the replicas of a distribution strategy share the
            batch statistics of batch normalization, see the Keras layer. Defaults to
            `False`: each replica has those of its own part of a batch.
        dtype: optional dtype policy of the layers. Defaults to Keras's global policy.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: If an argument is out of range, or Keras is set to channels-first.

    Example:

    >>> ResNet12((84, 84, 3)).output_shape
    (None, 640)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        filters: Sequence[int] = (64, 160, 320, 640),
        drop_block: float = 0.0,
        block_size: int = 5,
        pooling: str | None = "avg",
        momentum: float = 0.95,
        synchronized: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape, filters = tuple(input_shape), tuple(filters)
        check_arguments(input_shape, pooling, halvings=len(filters))
        policy = keras.dtype_policies.get(dtype)
        norm = {"momentum": momentum, "synchronized": synchronized, "dtype": policy}
        inputs = keras.Input(input_shape, name="images")
        x = inputs
        for block, channels in enumerate(filters, 1):
            x = _block(x, channels, f"block{block}", **norm)
            if drop_block and block > len(filters) - 2:
                x = DropBlock(
                    drop_block, block_size, dtype=policy, name=f"block{block}_drop"
                )(x)
        if pooling == "avg":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = input_shape
        self.filters = filters
        self.drop_block = drop_block
        self.block_size = block_size
        self.pooling = pooling
        self.momentum = momentum
        self.synchronized = synchronized

    def get_config(self) -> dict[str, Any]:
        return {
            "input_shape": list(self.item_shape),
            "filters": list(self.filters),
            "drop_block": self.drop_block,
            "block_size": self.block_size,
            "pooling": self.pooling,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _block(x, filters, name, **norm):
    """Applies three convolutions with a shortcut, and halves the size."""
    dtype = norm["dtype"]
    shortcut = normalized_convolution(x, filters, 1, name=f"{name}_shortcut", **norm)
    for place in (1, 2, 3):
        x = normalized_convolution(x, filters, 3, name=f"{name}_{place}", **norm)
        if place == 3:
            x = layers.Add(dtype=dtype, name=f"{name}_sum")([x, shortcut])
        x = layers.LeakyReLU(SLOPE, dtype=dtype, name=f"{name}_{place}_relu")(x)
    return layers.MaxPooling2D(2, dtype=dtype, name=f"{name}_pool")(x)
