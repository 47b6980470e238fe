"""Plain gradient steps, with fixed or learned learning rates."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fsl_keras.models.gradient_based.inner_loop import InnerLoop, Weights
from fsl_keras.models.gradient_based.inner_rates import InnerRates
from fsl_keras.models.gradient_based.per_step_norms import PerStepNorms
from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.typing import Nested, Tensor


class GradientDescentLoop(InnerLoop):
    """Adapts weights to one task by gradient descent.

    Args:
        network: `PureNetwork`.
        loss: see `InnerLoop`.
        batch_norm: string, see `MAML`.
        rates: `InnerRates`.
        norms: optional `PerStepNorms`.
        second_order: bool.
    """

    def __init__(
        self,
        network: PureNetwork,
        loss: Callable | keras.losses.Loss,
        batch_norm: str,
        rates: InnerRates,
        norms: PerStepNorms | None,
        second_order: bool,
    ):
        super().__init__(network, loss, batch_norm, norms, second_order)
        self.rates = rates
        if rates.kind == "per_layer_per_step" or norms is not None:
            self.own_steps = rates.steps

    def advance(
        self,
        weights: Weights,
        state: Nested,
        support: Tensor,
        labels: Tensor,
        step: Any,
        training: bool,
    ) -> tuple[Weights, Nested, Weights]:
        gradients, updates = self.gradients(weights, support, labels, step, training)
        stepped = {
            name: weights[name]
            - ops.cast(self.rates.of(name, step), gradient.dtype) * gradient
            for name, gradient in gradients.items()
        }
        return {**weights, **stepped}, state, updates
