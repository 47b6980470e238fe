"""The step sizes of an inner loop: one for all, or learned ones."""

import keras
from keras import ops

KINDS = ("fixed", "per_parameter", "per_layer_per_step")


class InnerRates(keras.layers.Layer):
    """The rates by which a few gradient steps adapt weights to a task.

    Reference:

    - per parameter, Meta-SGD: [Li et al., 2017](https://arxiv.org/abs/1707.09835)
    - per layer and step, MAML++: [Antoniou et al., 2019](
      https://arxiv.org/abs/1810.09502)

    Args:
        kind: `"fixed"`, `"per_parameter"` (learned, of the shape of each weight) or
            `"per_layer_per_step"` (learned, one for each weight and step).
        rate: float, the rate or what learned rates begin with.
        steps: integer, inner steps in training; steps beyond use the last one's.
        shapes: dictionary from the name of a weight to its shape.

    Example:

    >>> rates = InnerRates("per_parameter", 0.1, 5, {"dense.kernel": (2, 3)})
    >>> rates.of("dense.kernel", step=0).shape
    TensorShape([2, 3])
    """

    def __init__(self, kind, rate, steps, shapes, **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(
                f"`inner_rates` must be one of {KINDS}. Received: inner_rates={kind!r}"
            )
        self.kind = kind
        self.rate = rate
        self.steps = steps
        self.learned = {}
        for name, shape in shapes.items() if kind != "fixed" else ():
            self.learned[name] = self.add_weight(
                name=f"rate_of_{name.replace('.', '_')}",
                shape=shape if kind == "per_parameter" else (steps,),
                initializer=keras.initializers.Constant(rate),
                autocast=False,
            )
        self.built = True

    def of(self, name, step):
        """Returns the rate of a weight at a step, counted from 0."""
        if name not in self.learned:
            return self.rate
        rates = ops.convert_to_tensor(self.learned[name])
        if self.kind == "per_parameter":
            return rates
        return rates[min(step, self.steps - 1)]
