"""The eighteen-layer residual network."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fsl_keras.backbones.arguments import RENAMED_POOLINGS, check_arguments
from fsl_keras.backbones.residual import normalized_convolution
from fsl_keras.compat import renamed_arguments, renamed_values
from fsl_keras.presets import HasPresets

STAGES = (64, 128, 256, 512)  # channels of each stage of two blocks


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(item_shape="input_shape")
@renamed_values(pooling=RENAMED_POOLINGS)
class ResNet18(HasPresets, keras.Model):
    """The eighteen-layer residual network.

    Four stages of two blocks of two 3x3 convolutions; each stage but the first halves
    the size. For small images, such as those of miniImageNet (84x84), the first
    convolution is 3x3 and keeps the size, as in the few-shot papers. Otherwise it is
    the 7x7 convolution with max pooling of the original, which reduce the size to a
    quarter. An image is embedded as 512 numbers.

    References:

    - [He et al., 2016](https://arxiv.org/abs/1512.03385)
    - small images: [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        input_shape: triple `(height, width, channels)` of float32 images in [0, 1],
            with at least 8 pixels in each direction, 32 without `small_input`.
        small_input: bool, whether the first convolution keeps the size. Defaults to
            `True`.
        pooling: `"avg"` (global average pooling) or `None` (feature maps
            `[h, w, 512]`). Defaults to `"avg"`.
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

    >>> ResNet18((84, 84, 3)).output_shape
    (None, 512)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        small_input: bool = True,
        pooling: str | None = "avg",
        momentum: float = 0.95,
        synchronized: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape = tuple(input_shape)
        check_arguments(input_shape, pooling, halvings=3 if small_input else 5)
        policy = keras.dtype_policies.get(dtype)
        norm = {"momentum": momentum, "synchronized": synchronized, "dtype": policy}
        size, strides = (3, 1) if small_input else (7, 2)
        inputs = keras.Input(input_shape, name="images")
        x = normalized_convolution(
            inputs, STAGES[0], size, strides, name="stem", **norm
        )
        x = layers.ReLU(dtype=policy, name="stem_relu")(x)
        if not small_input:
            x = layers.MaxPooling2D(
                3, strides=2, padding="same", dtype=policy, name="stem_pool"
            )(x)
        for stage, filters in enumerate(STAGES, 1):
            strides = 1 if stage == 1 else 2
            x = _block(x, filters, strides, f"stage{stage}_block1", **norm)
            x = _block(x, filters, 1, f"stage{stage}_block2", **norm)
        if pooling == "avg":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = input_shape
        self.small_input = small_input
        self.pooling = pooling
        self.momentum = momentum
        self.synchronized = synchronized

    def get_config(self) -> dict[str, Any]:
        return {
            "input_shape": list(self.item_shape),
            "small_input": self.small_input,
            "pooling": self.pooling,
            "momentum": self.momentum,
            "synchronized": self.synchronized,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _block(x, filters, strides, name, **norm):
    """Applies two convolutions with a shortcut."""
    dtype = norm["dtype"]
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = normalized_convolution(
            x, filters, 1, strides, name=f"{name}_shortcut", **norm
        )
    x = normalized_convolution(x, filters, 3, strides, name=f"{name}_1", **norm)
    x = layers.ReLU(dtype=dtype, name=f"{name}_1_relu")(x)
    x = normalized_convolution(x, filters, 3, name=f"{name}_2", **norm)
    x = layers.Add(dtype=dtype, name=f"{name}_sum")([x, shortcut])
    return layers.ReLU(dtype=dtype, name=f"{name}_2_relu")(x)
