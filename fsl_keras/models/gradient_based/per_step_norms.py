"""Scales and offsets of batch normalization for each inner step."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.typing import Tensor

AFFINE = ("gamma", "beta")


# Weights files hold the name of this class.
class PerStepNorms(keras.layers.Layer):
    """The scales and offsets of batch normalization at each step of an inner loop.

    Each has one row for every inner step and a last row for the queries. They are
    meta-trained and not adapted. Later steps use the last row.

    Reference:

    - [Antoniou et al., 2019](https://arxiv.org/abs/1810.09502)

    Args:
        network: `PureNetwork`.
        steps: integer, inner steps in training.
        **kwargs: arguments of `keras.layers.Layer`.

    Attributes:
        rows: dictionary from the name of a network's weight to a weight
            `[steps + 1, channels]`.
    """

    def __init__(self, network: PureNetwork, steps: int, **kwargs: Any):
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

    def values(self, step: int) -> dict[str, Tensor]:
        """Returns the scales and offsets of one step, from name to tensor."""
        row = min(step, self.steps)
        return {
            name: tf.convert_to_tensor(rows.value)[row]
            for name, rows in self.rows.items()
        }


class _Rows(keras.initializers.Initializer):
    """Repeats the value of a weight of the network."""

    def __init__(self, start):
        self.start = start

    def __call__(self, shape, dtype=None):
        return ops.broadcast_to(ops.convert_to_tensor(self.start, dtype), shape)
