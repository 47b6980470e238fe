"""Matching networks."""

import keras

from fsl_keras.backbones.check import check_backbone
from fsl_keras.heads import MatchingHead
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class MatchingNetwork(MetricModel):
    """Matching network: the nearest examples say which class a query is of.

    Trains an embedding in which attention goes to examples of the right class. Train
    it on the ways and shots it will be tested on.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        full_context: bool, whether embeddings depend on the whole support set, see
            `MatchingHead`.
        temperature: float, the initial factor of cosine similarities.
        steps: integer, how often a query looks at the examples in full context.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = MatchingNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        full_context=False,
        temperature=10.0,
        steps=3,
        name=None,
        **kwargs,
    ):
        check_backbone(backbone)
        units = backbone.output_shape[-1] if full_context else None
        head = MatchingHead(full_context, temperature, steps, units, name="matching")
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "full_context": self.head.full_context,
            "temperature": self.head.temperature,
            "steps": self.head.steps,
        }
