"""Relation networks."""

from typing import Any

import keras

from fsl_keras.heads import RelationHead
from fsl_keras.losses import OneHotSquaredError
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
class RelationNetwork(MetricModel):
    """Relation network: classifies by a learned comparison of feature maps.

    Backbone and relation head are trained together, with the squared error of the
    sigmoid of each score. The backbone gives feature maps: the paper's is
    `Conv4(input_shape, pooling=None, pooled_blocks=2)`, which turns 28x28 images into
    7x7 maps.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        backbone: built Keras model from items `[*, *item]` to feature maps
            `[*, h, w, D]`.
        filters: integer, channels of the head's convolutions.
        units: integer, size of the head's first dense layer.
        momentum: float, of the head's running statistics.
        aggregate: `"sum"`, as in the paper, for the number of shots of the training, or
            `"mean"` for any number of shots.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), pooling=None, pooled_blocks=2)
    >>> model = RelationNetwork(backbone)
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("filters", "units", "momentum", "aggregate")

    def __init__(
        self,
        backbone: Model,
        filters: int = 64,
        units: int = 8,
        momentum: float = 0.95,
        aggregate: str = "sum",
        name: str | None = None,
        **kwargs: Any,
    ):
        head = RelationHead(filters, units, momentum, aggregate, name="relation")
        super().__init__(backbone, head, name=name, **kwargs)

    def default_loss(self) -> keras.losses.Loss:
        """Returns the squared error of the sigmoids of the scores."""
        return OneHotSquaredError()
