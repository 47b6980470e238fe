"""The eighteen-layer residual network."""

import keras
from keras import layers

from fsl_keras.backbones.residual import check_arguments, normalized_convolution
from fsl_keras.presets import HasPresets

STAGES = (64, 128, 256, 512)  # channels of each stage of two blocks


@keras.saving.register_keras_serializable(package="fsl_keras")
class ResNet18(HasPresets, keras.Model):
    """The eighteen-layer residual network, which gives 512 numbers a picture.

    Four stages of two blocks of two 3x3 convolutions; each stage but the first halves
    the size. For small pictures, such as the 84x84 ones of miniImageNet, it begins
    with a 3x3 convolution that keeps the size, as in the few-shot papers, otherwise
    with the 7x7 convolution and the maximum of the original, which quarter it.

    Reference:

    - [He et al., 2016](https://arxiv.org/abs/1512.03385)
    - small pictures: [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        item_shape: triple `(height, width, channels)` of float32 pictures in
            [0, 1], at least 8 pixels high and wide, 32 without `small_input`.
        small_input: bool, whether to begin at the pictures' full size.
        pooling: `"average"` (the mean over places) or `None` (feature maps
            `[h, w, 512]`).
        momentum: float, of the running statistics of batch normalization.
        dtype: optional dtype policy of its layers; Keras's global one by default.

    Example:

    >>> ResNet18((84, 84, 3)).output_shape
    (None, 512)
    """

    def __init__(
        self,
        item_shape,
        small_input=True,
        pooling="average",
        momentum=0.95,
        dtype=None,
        name=None,
        **kwargs,
    ):
        item_shape = tuple(item_shape)
        check_arguments(item_shape, pooling, halvings=3 if small_input else 5)
        policy = keras.dtype_policies.get(dtype)
        norm = {"momentum": momentum, "dtype": policy}
        size, strides = (3, 1) if small_input else (7, 2)
        inputs = keras.Input(item_shape, name="pictures")
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
        if pooling == "average":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = item_shape
        self.small_input = small_input
        self.pooling = pooling
        self.momentum = momentum

    def get_config(self):
        return {
            "item_shape": list(self.item_shape),
            "small_input": self.small_input,
            "pooling": self.pooling,
            "momentum": self.momentum,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }


def _block(x, filters, strides, name, momentum, dtype):
    """Applies two convolutions beside a shortcut."""
    norm = {"momentum": momentum, "dtype": dtype}
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
