"""Scales and offsets of batch normalization for each inner step."""

import keras
from keras import ops

AFFINE = ("gamma", "beta")


class PerStepNorms(keras.layers.Layer):
    """The scales and offsets of batch normalization at each step of an inner loop.

    Holds a row for every inner step, and a last one for the queries. They are learned
    and not adapted. Steps beyond use the last row.

    Reference:

    - [Antoniou et al., 2019](https://arxiv.org/abs/1810.09502)

    Args:
        network: `PureNetwork`.
        steps: integer, inner steps in training.
    """

    def __init__(self, network, steps, **kwargs):
        super().__init__(**kwargs)
        self.steps = steps
        names = [f"{norm}.{kind}" for norm in network.norms for kind in AFFINE]
        self.rows = {}
        for name in names:
            if name not in network.weights:  # a layer without scale or offset
                continue
            start = ops.convert_to_numpy(network.weights[name])
            self.rows[name] = self.add_weight(
                name=name.replace(".", "_"),
                shape=(steps + 1, *start.shape),
                initializer=_Rows(start),
                autocast=False,
            )
        self.built = True

    def values(self, step):
        """Returns the values of one step, from name to tensor."""
        row = min(step, self.steps)
        return {
            name: ops.convert_to_tensor(rows)[row] for name, rows in self.rows.items()
        }


class _Rows(keras.initializers.Initializer):
    """Repeats what a weight of the network begins with."""

    def __init__(self, start):
        self.start = start

    def __call__(self, shape, dtype=None):
        return ops.broadcast_to(ops.convert_to_tensor(self.start, dtype), shape)
