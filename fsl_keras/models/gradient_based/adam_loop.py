"""Steps of Adam whose moments pass from task to task."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fsl_keras.models.gradient_based.inner_loop import InnerLoop, Weights
from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.models.gradient_based.tasks import mean_over_tasks
from fsl_keras.typing import Nested, Tensor

# Keras's values for Adam.
BETA, EPSILON = 0.999, 1e-7


class AdamLoop(InnerLoop):
    """Adapts weights to one task by Adam without first moment.

    Unlike `heads.adam`, it takes single steps, each on its own batch of examples, and
    starts with the moments of earlier tasks.

    Args:
        network: `PureNetwork`.
        loss: see `InnerLoop`.
        batch_norm: string, see `MAML`.
        learning_rate: float.
        batch_size: optional integer, examples in each step. Defaults to all.

    Attributes:
        moments: layer whose weights are the moments with which each task starts.
            `moments.assign` averages those of the tasks of a batch.
    """

    def __init__(
        self,
        network: PureNetwork,
        loss: Callable | keras.losses.Loss,
        batch_norm: str,
        learning_rate: float,
        batch_size: int | None,
    ):
        super().__init__(network, loss, batch_norm)
        self.moments = _AdamMoments(network.weights, name="moments")
        self.learning_rate = learning_rate
        self.batch_size = batch_size

    def begin(self) -> Nested:
        return self.moments.values()

    def advance(
        self,
        weights: Weights,
        state: Nested,
        support: Tensor,
        labels: Tensor,
        step: Any,
        training: bool,
    ) -> tuple[Weights, Nested, Weights]:
        items, targets = (
            examples_of_step(values, self.batch_size, step)
            for values in (support, labels)
        )
        gradients, updates = self.gradients(weights, items, targets, step, training)
        count = state["steps"] + 1.0
        squares = {
            name: BETA * square + (1.0 - BETA) * ops.square(gradients[name])
            for name, square in state["squares"].items()
        }
        # Corrects the bias of a moment that starts at zero.
        correction = 1.0 - ops.power(BETA, count)
        stepped = {
            name: weights[name]
            - self.learning_rate
            * gradient
            / (ops.sqrt(squares[name] / correction) + EPSILON)
            for name, gradient in gradients.items()
        }
        state = {"steps": count, "squares": squares}
        return {**weights, **stepped}, state, updates


# Weights files hold the name of this class.
class _AdamMoments(keras.layers.Layer):
    """The second moments of gradients, and the number of steps they average."""

    def __init__(self, weights, **kwargs):
        super().__init__(**kwargs)
        zeros = {"initializer": "zeros", "trainable": False, "autocast": False}
        self.steps = self.add_weight(name="steps", shape=(), **zeros)
        self.squares = {
            name: self.add_weight(
                name=name.replace(".", "_"), shape=weight.shape, **zeros
            )
            for name, weight in weights.items()
        }
        self.built = True

    def values(self):
        """Returns the current values, `{"steps": ..., "squares": {name: ...}}`."""
        return {
            "steps": self.steps.value,
            "squares": {name: square.value for name, square in self.squares.items()},
        }

    def assign(self, values):
        """Assigns values of each task, `[T, ...]`, averaged over tasks."""
        self.steps.assign(mean_over_tasks(values["steps"]))
        for name, square in self.squares.items():
            square.assign(mean_over_tasks(values["squares"][name]))


def examples_of_step(values: Tensor, batch_size: int | None, step: Any) -> Tensor:
    """Returns the examples of one step, evenly spaced over the support set.

    Args:
        values: `[S, ...]`.
        batch_size: optional integer, the number of examples. None for all.
        step: integer or scalar tensor, by which the examples are shifted.

    Example:

    >>> rows = keras.ops.arange(6)
    >>> [examples_of_step(rows, 2, step).numpy().tolist() for step in range(4)]
    [[0, 3], [1, 4], [2, 5], [3, 0]]
    """
    if batch_size is None:
        return values
    count = ops.shape(values)[0]
    rows = (step + ops.arange(batch_size) * count // batch_size) % count
    return ops.take(values, rows, axis=0)
