"""Convolution, batch normalization and max pooling in one, for a few channels."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.typing import Shape, Tensor

KERNEL = 3


@keras.saving.register_keras_serializable(package="fsl_keras")
class FoldedConvolution(keras.layers.Layer):
    """A 3x3 convolution, batch normalization and 2x2 max pooling, computed as one.

    Outputs, gradients and moving statistics are those of `Conv2D(filters, 3,
    padding="same", use_bias=False)`, `BatchNormalization` and `MaxPooling2D(2)` in
    sequence. Normalization is folded into the kernel, so that the full-size feature
    maps are read only once: the mean and variance of a convolution follow from the mean
    and covariance of the 3x3 patches of its input, which are cheap for a few channels,
    and the offset is added after pooling, to a quarter of the activations. This makes
    Conv-4 faster to train on a CPU for inputs of at most four channels.

    Reference:

    - [Ioffe & Szegedy, 2015](https://arxiv.org/abs/1502.03167)

    Args:
        filters: integer, the channels of the output.
        momentum: float, the momentum of the moving statistics. Defaults to `0.99`.
        epsilon: float, added to the variance. Defaults to `1e-3`.
        synchronized: bool, as of `keras.layers.BatchNormalization`. Defaults to
            `False`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float images `[B, H, W, c]`.
        training: bool, whether to normalize by the statistics of the batch and to
            update the moving statistics.

    Returns:
        A tensor `[B, H // 2, W // 2, filters]`.

    Example:

    >>> import numpy as np
    >>> layer = FoldedConvolution(8)
    >>> layer(np.zeros((2, 28, 28, 1), "float32")).shape
    TensorShape([2, 14, 14, 8])
    """

    def __init__(
        self,
        filters: int,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        check_channels_last()
        super().__init__(**kwargs)
        self.filters = filters
        self.momentum = momentum
        self.epsilon = epsilon
        self.synchronized = synchronized

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        # Small scales would be lost if they were folded in half precision.
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

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
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
        return ops.max_pool(maps, 2, 2) + ops.cast(shift, self.compute_dtype)

    def _batch_statistics(self, inputs, kernel):
        """Returns mean and variance `[filters]` of the convolution of a batch."""
        inputs = ops.cast(inputs, self.variable_dtype)
        _, height, width, channels = inputs.shape
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        # `ops.image.extract_patches` takes longer than the folding saves.
        patches = ops.stack(
            [
                ops.reshape(padded[:, y : y + height, x : x + width, c], (-1,))
                for y in range(KERNEL)
                for x in range(KERNEL)
                for c in range(channels)
            ]
        )
        center = ops.mean(patches, axis=1, keepdims=True)
        count = ops.cast(ops.shape(patches)[1], patches.dtype)
        products = ops.matmul(patches, ops.transpose(patches)) / count
        context = tf.distribute.get_replica_context()
        if self.synchronized and context is not None:
            mean = tf.distribute.ReduceOp.MEAN
            center, products = context.all_reduce(mean, [center, products])
        covariance = products - ops.matmul(center, ops.transpose(center))
        weights = ops.reshape(kernel, (-1, self.filters))
        mean = ops.sum(center * weights, axis=0)
        variance = ops.sum(weights * ops.matmul(covariance, weights), axis=0)
        return mean, ops.maximum(variance, 0.0)

    def _move(self, average, value):
        average.assign(average * self.momentum + value * (1.0 - self.momentum))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, _ = input_shape
        halves = [None if side is None else side // 2 for side in (height, width)]
        return (batch, *halves, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }
