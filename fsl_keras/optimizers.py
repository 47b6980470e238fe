"""An optimizer for convolutional networks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fsl_keras")
class ConvMuon(keras.optimizers.Muon):
    """Muon for the kernels of convolutions too, which Keras's leaves to Adam.

    A kernel is a matrix of as many columns as it has filters. Its step is the momentum
    of its gradients with all singular values made about equal, so that what many
    examples agree on does not drown what a few need. Scales, offsets and other vectors
    take steps of Adam. Both are about as long as Adam's at the same learning rate.

    Nothing is taken from weights unless `weight_decay` and `adam_weight_decay` are
    given: here the latter is that of kernels of convolutions too.

    References:

    - [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/)
    - [Liu et al., 2025](https://arxiv.org/abs/2502.16982), the length of the steps

    Args:
        learning_rate: float or schedule.
        weight_decay: optional float, of matrices.
        adam_weight_decay: optional float, of all else.
        **kwargs: further arguments of `keras.optimizers.Muon`.

    Example:

    >>> layer = keras.layers.Conv2D(4, 3)
    >>> layer.build((None, 8, 8, 2))
    >>> ConvMuon(1e-3).apply([ops.ones((3, 3, 2, 4)), ops.ones(4)], layer.weights)
    """

    def __init__(
        self, learning_rate=1e-3, weight_decay=None, adam_weight_decay=None, **kwargs
    ):
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            adam_weight_decay=adam_weight_decay,
            **kwargs,
        )

    def update_step(self, gradient, variable, learning_rate):
        """Takes one step of a variable."""
        if len(variable.shape) != 4 or variable.shape[-1] == 1:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self.momentums[self._get_variable_index(variable)]
        self.assign(momentum, self.momentum * momentum + gradient)
        step = self.momentum * momentum + gradient if self.nesterov else momentum
        matrix = ops.reshape(step, (-1, step.shape[-1]))
        matrix = self.zeropower_via_newtonschulz5(matrix, self.ns_steps)
        step = ops.reshape(self.lr_adjust(matrix), variable.shape)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * step)
