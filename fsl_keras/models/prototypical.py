"""Prototypical networks."""

import keras

from fsl_keras.heads import PrototypeHead
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class PrototypicalNetwork(MetricModel):
    """Prototypical network: a class is the mean embedding of its examples.

    Trains an embedding in which a query lies nearest to the prototype of its class.
    Train it on more ways than it will be tested on, with as many shots.

    Reference:

    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        distance: `"squared_euclidean"` or `"cosine"`.
        temperature: float, the initial factor of cosine similarities.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        distance="squared_euclidean",
        temperature=10.0,
        name=None,
        **kwargs,
    ):
        head = PrototypeHead(distance, temperature, name="prototypes")
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        distance, temperature = self.head.distance, self.head.temperature
        return {**config, "distance": distance, "temperature": temperature}
