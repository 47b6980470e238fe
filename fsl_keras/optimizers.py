"""An optimizer for convolutional networks."""

import re
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class ConvMuon(keras.optimizers.Muon):
    """Muon for the kernels of convolutions too, which Keras's leaves to Adam.

    A kernel is flattened to a matrix with one column per filter. Its update is the
    momentum of its gradients, orthogonalized: all singular values become about equal,
    so that a few dominant directions do not drown the others. Biases, scales and
    kernels with a single column are updated by Adam. At the same learning rate, both
    kinds of update are about as long as those of Adam.

    References:

    - [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/)
    - [Liu et al., 2025](https://arxiv.org/abs/2502.16982), the scale of the updates

    Args:
        learning_rate: float or schedule.
        weight_decay: optional float, the weight decay of kernels and other matrices.
            Defaults to `None`, no decay.
        adam_weight_decay: optional float, the weight decay of all variables that Adam
            updates. Defaults to `None`, no decay.
        **kwargs: further arguments of `keras.optimizers.Muon`.

    Example:

    >>> layer = keras.layers.Conv2D(4, 3)
    >>> layer.build((None, 8, 8, 2))
    >>> ConvMuon(1e-3).apply([ops.ones((3, 3, 2, 4)), ops.ones(4)], layer.weights)
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        weight_decay: float | None = None,
        adam_weight_decay: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            adam_weight_decay=adam_weight_decay,
            **kwargs,
        )

    def load_own_variables(self, store: Mapping[str, Tensor]) -> None:
        """Loads the state of a file, also of one with a velocity for each kernel."""
        slots = zip(self.momentums, self.adam_velocities, strict=True)
        of_kernels = {
            id(momentum)
            for momentum, velocity in slots
            if momentum is not None and velocity is None and len(momentum.shape) == 4
        }
        if len(store) == len(self.variables) + len(of_kernels):
            state, index = {}, 0
            for place, variable in enumerate(self.variables):
                state[str(place)] = store[str(index)]
                # The velocity of a kernel, which is not used, follows its momentum.
                index += 2 if id(variable) in of_kernels else 1
            store = state
        super().load_own_variables(store)

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 4 or variable.shape[-1] == 1:
            return super()._should_use_adamw(variable)
        return any(re.search(name, variable.path) for name in self.exclude_layers)

    def _muon_update_step(self, gradient, variable, lr, m):
        if len(variable.shape) != 4:
            super()._muon_update_step(gradient, variable, lr, m)
            return
        self.assign(m, self.momentum * m + gradient)
        step = self.momentum * m + gradient if self.nesterov else m
        matrix = ops.reshape(step, (-1, step.shape[-1]))
        matrix = self.zeropower_via_newtonschulz5(matrix, self.ns_steps)
        step = ops.reshape(self.lr_adjust(matrix), variable.shape)
        self.assign_sub(variable, ops.cast(lr, variable.dtype) * step)
