"""Relation networks."""

import keras

from fsl_keras.heads import RelationHead
from fsl_keras.losses import OneHotSquaredError
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class RelationNetwork(MetricModel):
    """Relation network: a class is found by a learned comparison of feature maps.

    Backbone and relation head learn together, by the squared error of the sigmoid
    of each score. The backbone keeps places apart: the paper's is
    `Conv4(input_shape, pooling=None, pooled_blocks=2)`, which turns 28x28 pictures
    into maps of 7x7.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        backbone: built Keras model from items `[*, *item]` to feature maps
            `[*, h, w, D]`.
        filters: integer, channels of the head's convolutions.
        units: integer, size of the head's first dense layer.
        momentum: float, of the head's running statistics.
        aggregate: `"sum"`, as in the paper, for the shots it is trained at, or
            `"mean"`, which serves other shots too.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), pooling=None, pooled_blocks=2)
    >>> model = RelationNetwork(backbone)
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        filters=64,
        units=8,
        momentum=0.95,
        aggregate="sum",
        name=None,
        **kwargs,
    ):
        head = RelationHead(filters, units, momentum, aggregate, name="relation")
        super().__init__(backbone, head, name=name, **kwargs)

    def default_loss(self):
        """Returns the squared error of the sigmoids of the scores."""
        return OneHotSquaredError()

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "filters": self.head.filters,
            "units": self.head.units,
            "momentum": self.head.momentum,
            "aggregate": self.head.aggregate,
        }
