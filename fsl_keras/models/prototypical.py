"""Prototypical networks."""

from typing import Any

import keras

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import PrototypeHead
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class PrototypicalNetwork(MetricModel):
    """Prototypical network: a class is the mean embedding of its examples.

    Training learns an embedding in which queries are nearest to the prototype of their
    class. Train with more ways than in the test, and with the same number of shots.

    Reference:

    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        distance: `"squared_euclidean"` or `"cosine"`.
        scale: float, the initial factor of cosine similarities.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("distance", "scale")

    def __init__(
        self,
        backbone: Model,
        distance: str = "squared_euclidean",
        scale: float = 10.0,
        name: str | None = None,
        **kwargs: Any,
    ):
        head = PrototypeHead(distance, scale, name="prototypes")
        super().__init__(backbone, head, name=name, **kwargs)
