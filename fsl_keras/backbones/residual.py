"""The convolution that the residual backbones share."""

from typing import Any

from keras import layers

from fsl_keras.layers import FusedBatchNormalization
from fsl_keras.typing import Tensor


def normalized_convolution(
    x: Tensor, filters: int, size: int, strides: int = 1, *, name: str, **norm: Any
) -> Tensor:
    """Applies a convolution and batch normalization.

    Args:
        x: symbolic tensor `[B, h, w, c]`.
        filters: integer.
        size: integer, the height and width of the kernel.
        strides: integer. Defaults to `1`.
        name: string, the prefix of the names of both layers.
        **norm: `momentum`, `synchronized` and `dtype` of the normalization; `dtype` is
            that of the convolution too.
    """
    x = layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        dtype=norm["dtype"],
        name=f"{name}_conv",
    )(x)
    return FusedBatchNormalization(name=f"{name}_norm", **norm)(x)
