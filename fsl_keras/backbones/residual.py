"""What the residual backbones share."""

from keras import layers

from fsl_keras.layers import FusedBatchNormalization
from fsl_keras.layers.data_format import check_channels_last

POOLINGS = ("average", None)


def check_arguments(item_shape, pooling, halvings):
    """Refuses items that are no pictures or too small, and unknown poolings."""
    check_channels_last()
    if len(item_shape) != 3 or min(item_shape[:2]) < 2**halvings:
        raise ValueError(
            f"`item_shape` must be (height, width, channels) of at least "
            f"{2**halvings} pixels each way. Received: item_shape={item_shape}"
        )
    if pooling not in POOLINGS:
        raise ValueError(
            f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}"
        )


def normalized_convolution(x, filters, size, strides=1, *, name, momentum, dtype):
    """Applies a convolution and batch normalization."""
    x = layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        dtype=dtype,
        name=f"{name}_conv",
    )(x)
    return FusedBatchNormalization(momentum=momentum, dtype=dtype, name=f"{name}_norm")(
        x
    )
