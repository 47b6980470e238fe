"""Feature map reconstruction networks, known as FRN."""

import keras

from fsl_keras.heads import ReconstructionHead
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class ReconstructionNetwork(MetricModel):
    """FRN: a class is found by reconstructing a feature map from those of its examples.

    Backbone and reconstruction learn together. The backbone keeps places apart, such as
    `Conv4(item_shape, pooling=None, pooled_blocks=3)`; many places and few channels
    make it hard to reconstruct the map of another class.

    Reference:

    - [Wertheimer et al., 2021](https://arxiv.org/abs/2012.01506)
    - [Wu et al., 2022](https://arxiv.org/abs/2211.17161), `bidirectional`

    Args:
        backbone: built Keras model from items `[*, *item]` to feature maps
            `[*, h, w, D]`.
        regularization: float above 0, the initial lambda, see `ReconstructionHead`.
        temperature: float above 0, the initial scale of the errors.
        learned: bool, whether training changes both.
        bidirectional: bool, whether classes are reconstructed from the query too.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), pooling=None, pooled_blocks=2)
    >>> model = ReconstructionNetwork(backbone)
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        regularization=1.0,
        temperature=10.0,
        learned=True,
        bidirectional=False,
        name=None,
        **kwargs,
    ):
        head = ReconstructionHead(
            regularization,
            temperature,
            learned,
            bidirectional,
            name="reconstruction",
        )
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "regularization": self.head.regularization,
            "temperature": self.head.temperature,
            "learned": self.head.learned,
            "bidirectional": self.head.bidirectional,
        }
