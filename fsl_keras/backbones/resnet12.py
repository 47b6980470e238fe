"""The twelve-layer residual network of the few-shot papers."""

import keras
from keras import layers

from fsl_keras.backbones.residual import check_arguments, normalized_convolution
from fsl_keras.layers import DropBlock
from fsl_keras.presets import HasPresets

SLOPE = 0.1  # of the leaky ReLUs


@keras.saving.register_keras_serializable(package="fsl_keras")
class ResNet12(HasPresets, keras.Model):
    """The twelve-layer residual network of the few-shot papers.

    Four blocks of three 3x3 convolutions with batch normalization and leaky ReLUs,
    a shortcut of a 1x1 convolution and a 2x2 maximum. An 84x84 picture becomes 640
    numbers. The last two blocks can end in `DropBlock`.

    Reference:

    - [Oreshkin et al., 2018](https://arxiv.org/abs/1805.10123), with `filters=(64,
      128, 256, 512)`
    - [Lee et al., 2019](https://arxiv.org/abs/1904.03758), with `drop_block=0.1`

    Args:
        item_shape: triple `(height, width, channels)` of float32 pictures in
            [0, 1], at least 16 pixels high and wide.
        filters: integers, channels of each block.
        drop_block: float in [0, 1), the rate of `DropBlock`; none at 0.
        block_size: integer, side of the regions that are dropped.
        pooling: `"average"` (the mean over places) or `None` (feature maps
            `[h, w, filters[-1]]`).
        momentum: float, of the running statistics of batch normalization.
        dtype: optional dtype policy of its layers; Keras's global one by default.

    Example:

    >>> ResNet12((84, 84, 3)).output_shape
    (None, 640)
    """

    def __init__(
        self,
        item_shape,
        filters=(64, 160, 320, 640),
        drop_block=0.0,
        block_size=5,
        pooling="average",
        momentum=0.95,
        dtype=None,
        name=None,
        **kwargs,
    ):
        item_shape, filters = tuple(item_shape), tuple(filters)
        check_arguments(item_shape, pooling, halvings=len(filters))
        policy = keras.dtype_policies.get(dtype)
        inputs = keras.Input(item_shape, name="pictures")
        x = inputs
        for block, channels in enumerate(filters, 1):
            x = _block(x, channels, f"block{block}", momentum=momentum, dtype=policy)
            if drop_block and block > len(filters) - 2:
                x = DropBlock(
                    drop_block, block_size, dtype=policy, name=f"block{block}_drop"
                )(x)
        if pooling == "average":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = item_shape
        self.filters = filters
        self.drop_block = drop_block
        self.block_size = block_size
        self.pooling = pooling
        self.momentum = momentum

    def get_config(self):
        return {
            "item_shape": list(self.item_shape),
            "filters": list(self.filters),
            "drop_block": self.drop_block,
            "block_size": self.block_size,
            "pooling": self.pooling,
            "momentum": self.momentum,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _block(x, filters, name, momentum, dtype):
    """Applies three convolutions beside a shortcut, and halves the size."""
    norm = {"momentum": momentum, "dtype": dtype}
    shortcut = normalized_convolution(x, filters, 1, name=f"{name}_shortcut", **norm)
    for place in (1, 2, 3):
        x = normalized_convolution(x, filters, 3, name=f"{name}_{place}", **norm)
        if place == 3:
            x = layers.Add(dtype=dtype, name=f"{name}_sum")([x, shortcut])
        x = layers.LeakyReLU(SLOPE, dtype=dtype, name=f"{name}_{place}_relu")(x)
    return layers.MaxPooling2D(2, dtype=dtype, name=f"{name}_pool")(x)
