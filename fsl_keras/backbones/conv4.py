"""The four-block convolutional network of the few-shot papers."""

import keras
from keras import layers

from fsl_keras.layers import FoldedConvolution, FusedBatchNormalization
from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.presets import HasPresets

BLOCKS = 4
# Pictures of at most so many channels take the folded convolution.
FEW_CHANNELS = 4
DOWNSAMPLING = ("pool", "stride")


@keras.saving.register_keras_serializable(package="fsl_keras")
class Conv4(HasPresets, keras.Model):
    """The four-block convolutional network of the few-shot papers.

    Four times a 3x3 convolution, batch normalization, a 2x2 maximum and a ReLU. The
    maximum comes before the ReLU, which gives the same result on a quarter of the
    numbers, and `FoldedConvolution` computes the first block up to its maximum. A
    28x28 picture becomes 64 numbers, an 84x84 one 1,600.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)
    - strided: [Finn et al., 2017](https://arxiv.org/abs/1703.03400)
    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)

    Args:
        item_shape: triple `(height, width, channels)` of float32 pictures in
            [0, 1], at least `2 ** pooled_blocks` pixels high and wide.
        filters: integer, channels of each block, or a list of four, one a block.
        pooling: `"flatten"` (a vector of all the last feature maps), `"average"`
            (their mean over places) or `None` (feature maps `[H, W, C]`, of the
            channels of the last block).
        downsampling: `"pool"`, the 2x2 maxima, or `"stride"`, convolutions of stride
            2 in their place, which are cheaper and round sizes up.
        pooled_blocks: integer from 0 to 4, how many of the blocks halve the size, the
            first ones; 2 in relation networks.
        momentum: float, of the running statistics of batch normalization.
        dtype: optional dtype policy of its layers; Keras's global one by default.

    Example:

    >>> Conv4((28, 28, 1)).output_shape
    (None, 64)
    """

    def __init__(
        self,
        item_shape,
        filters=64,
        pooling="flatten",
        downsampling="pool",
        pooled_blocks=BLOCKS,
        momentum=0.95,
        dtype=None,
        name=None,
        **kwargs,
    ):
        check_channels_last()
        item_shape = tuple(item_shape)
        are_own = hasattr(filters, "__len__")
        channels = [*filters] if are_own else [filters] * BLOCKS
        if len(channels) != BLOCKS:
            raise ValueError(
                f"`filters` must be one integer for all blocks, or {BLOCKS}, one for "
                f"each. Received: filters={filters}"
            )
        if pooled_blocks not in range(BLOCKS + 1):
            raise ValueError(
                f"`pooled_blocks` must be from 0 to {BLOCKS}. Received: "
                f"pooled_blocks={pooled_blocks}"
            )
        if len(item_shape) != 3 or min(item_shape[:2]) < 2**pooled_blocks:
            raise ValueError(
                f"`item_shape` must be (height, width, channels) of at least "
                f"{2**pooled_blocks} pixels each way. Received: item_shape={item_shape}"
            )
        if pooling not in ("flatten", "average", None):
            raise ValueError(
                f'`pooling` must be "flatten", "average" or None. '
                f"Received: pooling={pooling!r}"
            )
        if downsampling not in DOWNSAMPLING:
            raise ValueError(
                f"`downsampling` must be one of {DOWNSAMPLING}. "
                f"Received: downsampling={downsampling!r}"
            )
        policy = keras.dtype_policies.get(dtype)
        inputs = keras.Input(item_shape, name="pictures")
        x = inputs
        for block in range(1, BLOCKS + 1):
            x = _normalized_convolution(
                x,
                block,
                channels[block - 1],
                downsampling if block <= pooled_blocks else None,
                momentum=momentum,
                dtype=policy,
            )
            x = layers.ReLU(dtype=policy, name=f"relu{block}")(x)
        if pooling == "flatten":
            x = layers.Flatten(dtype=policy, name="embedding")(x)
        elif pooling == "average":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = item_shape
        self.filters = channels if are_own else filters
        self.pooling = pooling
        self.downsampling = downsampling
        self.pooled_blocks = pooled_blocks
        self.momentum = momentum

    def get_config(self):
        return {
            "item_shape": list(self.item_shape),
            "filters": self.filters,
            "pooling": self.pooling,
            "downsampling": self.downsampling,
            "pooled_blocks": self.pooled_blocks,
            "momentum": self.momentum,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _normalized_convolution(x, block, filters, downsampling, momentum, dtype):
    """Applies a convolution and batch normalization, and halves the size if asked."""
    if block == 1 and downsampling == "pool" and x.shape[-1] <= FEW_CHANNELS:
        return FoldedConvolution(
            filters, momentum=momentum, dtype=dtype, name=f"conv{block}"
        )(x)
    x = layers.Conv2D(
        filters,
        3,
        strides=2 if downsampling == "stride" else 1,
        padding="same",
        use_bias=False,
        dtype=dtype,
        name=f"conv{block}",
    )(x)
    x = FusedBatchNormalization(momentum=momentum, dtype=dtype, name=f"norm{block}")(x)
    if downsampling == "pool":
        x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{block}")(x)
    return x
