"""Convolution, batch normalization and pooling of pictures of few channels, in one."""

import keras
from keras import ops

from fsl_keras.layers.data_format import check_channels_last

KERNEL = 3


@keras.saving.register_keras_serializable(package="fsl_keras")
class FoldedConvolution(keras.layers.Layer):
    """A 3x3 convolution, batch normalization and a 2x2 maximum, computed as one.

    The result, the gradients and the running statistics are those of `Conv2D(filters,
    3, padding="same", use_bias=False)`, `BatchNormalization` and `MaxPooling2D(2)`
    one after the other. Normalization is folded into the kernel, so that the full
    size feature maps are passed over once: mean and variance of a convolution follow
    from mean and covariance of the 3x3 patches of its input, which are small where
    there are few channels, and the shift is added after the maximum, to a quarter of
    the numbers. It makes Conv-4 faster to train on a processor, and is meant for
    at most four channels.

    Reference:

    - [Ioffe & Szegedy, 2015](https://arxiv.org/abs/1502.03167)

    Args:
        filters: integer, channels of the result.
        momentum: float, of the running statistics.
        epsilon: float, added to the variance.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float pictures `[B, H, W, c]`.
        training: bool, whether to normalize by the batch and to move the running
            statistics.

    Returns:
        A tensor `[B, H // 2, W // 2, filters]`.

    Example:

    >>> import numpy as np
    >>> layer = FoldedConvolution(8)
    >>> layer(np.zeros((2, 28, 28, 1), "float32")).shape
    TensorShape([2, 14, 14, 8])
    """

    def __init__(self, filters, momentum=0.99, epsilon=1e-3, **kwargs):
        check_channels_last()
        super().__init__(**kwargs)
        self.filters = filters
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        # Batch normalization folded in half precision would lose its small scales.
        full = {"autocast": False}
        self.kernel = self.add_weight(
            name="kernel",
            shape=(KERNEL, KERNEL, channels, self.filters),
            initializer="glorot_uniform",
            **full,
        )
        vector = {"shape": (self.filters,), **full}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **vector)
        self.beta = self.add_weight(name="beta", initializer="zeros", **vector)
        self.moving_mean = self.add_weight(
            name="moving_mean", initializer="zeros", trainable=False, **vector
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", initializer="ones", trainable=False, **vector
        )

    def call(self, inputs, training=None):
        kernel = ops.convert_to_tensor(self.kernel)
        if training and self.trainable:
            mean, variance = self._batch_statistics(inputs, kernel)
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        shift = self.beta - mean * scale
        folded = ops.cast(kernel * scale, self.compute_dtype)
        maps = ops.conv(inputs, folded, padding="same")
        return ops.max_pool(maps, 2) + ops.cast(shift, self.compute_dtype)

    def _batch_statistics(self, inputs, kernel):
        """Returns mean and variance `[filters]` of the convolution of a batch."""
        inputs = ops.cast(inputs, self.variable_dtype)
        _, height, width, channels = inputs.shape
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        # By slices: the patches that ops.image offers take longer than they save.
        patches = ops.stack(
            [
                ops.reshape(padded[:, y : y + height, x : x + width, c], (-1,))
                for y in range(KERNEL)
                for x in range(KERNEL)
                for c in range(channels)
            ]
        )
        centre = ops.mean(patches, axis=1, keepdims=True)
        count = ops.cast(ops.shape(patches)[1], patches.dtype)
        covariance = ops.matmul(patches, ops.transpose(patches)) / count
        covariance = covariance - ops.matmul(centre, ops.transpose(centre))
        weights = ops.reshape(kernel, (-1, self.filters))
        mean = ops.sum(centre * weights, axis=0)
        variance = ops.sum(weights * ops.matmul(covariance, weights), axis=0)
        return mean, ops.maximum(variance, 0.0)

    def _move(self, average, value):
        average.assign(average * self.momentum + value * (1.0 - self.momentum))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        halves = [None if side is None else side // 2 for side in (height, width)]
        return (batch, *halves, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
