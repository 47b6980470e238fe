"""The learning rates of an inner loop: one constant, or learned ones."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.typing import Shape, Tensor

KINDS = ("fixed", "per_parameter", "per_layer_per_step")


# Weights files hold the name of this class.
class InnerRates(keras.layers.Layer):
    """The learning rates with which gradient steps adapt weights to a task.

    Reference:

    - per parameter, Meta-SGD: [Li et al., 2017](https://arxiv.org/abs/1707.09835)
    - per layer and step, MAML++: [Antoniou et al., 2019](
      https://arxiv.org/abs/1810.09502)

    Args:
        kind: `"fixed"`, `"per_parameter"` (learned, with the shape of each weight) or
            `"per_layer_per_step"` (learned, one for each weight and step).
        learning_rate: float, the constant, or the initial value of learned rates.
        steps: integer, inner steps in training. Later steps use the last one's rates.
        shapes: dictionary from the name of a weight to its shape.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `kind` is unknown.

    Example:

    >>> rates = InnerRates("per_parameter", 0.1, 5, {"dense.kernel": (2, 3)})
    >>> rates.of("dense.kernel", step=0).shape
    TensorShape([2, 3])
    """

    def __init__(
        self,
        kind: str,
        learning_rate: float,
        steps: int,
        shapes: dict[str, Shape],
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(
                f"`inner_rates` must be one of {KINDS}. Received: inner_rates={kind!r}"
            )
        self.kind = kind
        self.learning_rate = learning_rate
        self.steps = steps
        self.learned = {}
        for name, shape in shapes.items() if kind != "fixed" else ():
            self.learned[name] = self.add_weight(
                name=f"rate_of_{name.replace('.', '_')}",
                shape=shape if kind == "per_parameter" else (steps,),
                initializer=keras.initializers.Constant(learning_rate),
                autocast=False,
            )
        self.built = True

    def of(self, name: str, step: int) -> Tensor:
        """Returns the learning rate of a weight at a step, counted from 0."""
        if name not in self.learned:
            return self.learning_rate
        rates = tf.convert_to_tensor(self.learned[name].value)
        if self.kind == "per_parameter":
            return rates
        return rates[min(step, self.steps - 1)]
