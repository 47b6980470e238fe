"""The four-block convolutional network of the few-shot papers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fsl_keras.backbones.arguments import RENAMED_POOLINGS, check_arguments
from fsl_keras.compat import renamed_arguments, renamed_values
from fsl_keras.layers import FusedBatchNormalization
from fsl_keras.layers._folded_convolution import FoldedConvolution
from fsl_keras.presets import HasPresets

BLOCKS = 4
# The folded convolution is faster up to this number of input channels.
FEW_CHANNELS = 4
POOLINGS = ("flatten", "avg", None)
DOWNSAMPLING = ("pool", "stride")


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(item_shape="input_shape")
@renamed_values(pooling=RENAMED_POOLINGS)
class Conv4(HasPresets, keras.Model):
    """The four-block convolutional network of the few-shot papers.

    Each of the four blocks is a 3x3 convolution, batch normalization, 2x2 max pooling
    and a ReLU. Pooling comes before the ReLU, which gives the same result on a quarter
    of the activations. A 28x28 image is embedded as 64 numbers, an 84x84 image as
    1,600.

    References:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)
    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)
    - strided convolutions: [Finn et al., 2017](https://arxiv.org/abs/1703.03400)

    Args:
        input_shape: triple `(height, width, channels)` of float32 images in [0, 1],
            with at least `2 ** pooled_blocks` pixels in each direction.
        filters: integer, the channels of every block, or four integers, one per block.
            Defaults to `64`.
        pooling: `"flatten"` (the last feature maps as one vector), `"avg"` (global
            average pooling) or `None` (feature maps `[h, w, filters]`). Defaults to
            `"flatten"`.
        downsampling: `"pool"` (max pooling) or `"stride"` (strided convolutions instead
            of pooling, which are cheaper and round odd sizes up). Defaults to `"pool"`.
        pooled_blocks: integer from 0 to 4, the number of blocks that halve the size,
            counted from the first; relation networks use 2. Defaults to `4`.
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

    >>> Conv4((28, 28, 1)).output_shape
    (None, 64)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        filters: int | Sequence[int] = 64,
        pooling: str | None = "flatten",
        downsampling: str = "pool",
        pooled_blocks: int = BLOCKS,
        momentum: float = 0.95,
        synchronized: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape = tuple(input_shape)
        channels = [*filters] if isinstance(filters, Sequence) else [filters] * BLOCKS
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
        check_arguments(input_shape, pooling, pooled_blocks, POOLINGS)
        if downsampling not in DOWNSAMPLING:
            raise ValueError(
                f"`downsampling` must be one of {DOWNSAMPLING}. "
                f"Received: downsampling={downsampling!r}"
            )
        policy = keras.dtype_policies.get(dtype)
        inputs = keras.Input(input_shape, name="images")
        x = inputs
        for block in range(1, BLOCKS + 1):
            x = _normalized_convolution(
                x,
                block,
                channels[block - 1],
                downsampling if block <= pooled_blocks else None,
                momentum=momentum,
                synchronized=synchronized,
                dtype=policy,
            )
            x = layers.ReLU(dtype=policy, name=f"relu{block}")(x)
        if pooling == "flatten":
            x = layers.Flatten(dtype=policy, name="embedding")(x)
        elif pooling == "avg":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = input_shape
        self.filters = channels if isinstance(filters, Sequence) else filters
        self.pooling = pooling
        self.downsampling = downsampling
        self.pooled_blocks = pooled_blocks
        self.momentum = momentum
        self.synchronized = synchronized

    def get_config(self) -> dict[str, Any]:
        return {
            "input_shape": list(self.item_shape),
            "filters": self.filters,
            "pooling": self.pooling,
            "downsampling": self.downsampling,
            "pooled_blocks": self.pooled_blocks,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _normalized_convolution(x, block, filters, downsampling, dtype, **norm):
    """Applies a convolution, batch normalization and the given downsampling."""
    if block == 1 and downsampling == "pool" and x.shape[-1] <= FEW_CHANNELS:
        return FoldedConvolution(filters, dtype=dtype, name=f"conv{block}", **norm)(x)
    x = layers.Conv2D(
        filters,
        3,
        strides=2 if downsampling == "stride" else 1,
        padding="same",
        use_bias=False,
        dtype=dtype,
        name=f"conv{block}",
    )(x)
    x = FusedBatchNormalization(dtype=dtype, name=f"norm{block}", **norm)(x)
    if downsampling == "pool":
        x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{block}")(x)
    return x
