"""The four-block convolutional network of the few-shot papers."""

import keras
from keras import layers

from fsl_keras.layers import FusedBatchNormalization

BLOCKS = 4


@keras.saving.register_keras_serializable(package="fsl_keras")
class Conv4(keras.Model):
    """The four-block convolutional network of the few-shot papers.

    Four times a 3x3 convolution, batch normalization, a 2x2 maximum and a ReLU. The
    maximum comes before the ReLU, which gives the same result on a quarter of the
    numbers. A 28x28 picture becomes 64 numbers, an 84x84 one 1,600.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)
    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)

    Args:
        item_shape: triple `(height, width, channels)` of float32 pictures in
            [0, 1], at least 16 pixels high and wide.
        filters: integer, channels of each block.
        pooling: `"flatten"` (a vector of all the last feature maps), `"average"`
            (their mean over places) or `None` (feature maps `[H, W, filters]`).
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
        momentum=0.95,
        dtype=None,
        name=None,
        **kwargs,
    ):
        item_shape = tuple(item_shape)
        if len(item_shape) != 3 or min(item_shape[:2]) < 2**BLOCKS:
            raise ValueError(
                f"`item_shape` must be (height, width, channels) of at least 16 pixels "
                f"each way. Received: item_shape={item_shape}"
            )
        if pooling not in ("flatten", "average", None):
            raise ValueError(
                f'`pooling` must be "flatten", "average" or None. '
                f"Received: pooling={pooling!r}"
            )
        policy = keras.dtype_policies.get(dtype)
        inputs = keras.Input(item_shape, name="pictures")
        x = inputs
        for block in range(1, BLOCKS + 1):
            x = layers.Conv2D(
                filters,
                3,
                padding="same",
                use_bias=False,
                dtype=policy,
                name=f"conv{block}",
            )(x)
            x = FusedBatchNormalization(
                momentum=momentum, dtype=policy, name=f"norm{block}"
            )(x)
            x = layers.MaxPooling2D(2, dtype=policy, name=f"pool{block}")(x)
            x = layers.ReLU(dtype=policy, name=f"relu{block}")(x)
        if pooling == "flatten":
            x = layers.Flatten(dtype=policy, name="embedding")(x)
        elif pooling == "average":
            x = layers.GlobalAveragePooling2D(dtype=policy, name="embedding")(x)
        super().__init__(inputs=inputs, outputs=x, name=name, **kwargs)
        self.dtype_policy = policy
        self.item_shape = item_shape
        self.filters = filters
        self.pooling = pooling
        self.momentum = momentum

    def get_config(self):
        return {
            "item_shape": list(self.item_shape),
            "filters": self.filters,
            "pooling": self.pooling,
            "momentum": self.momentum,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }
