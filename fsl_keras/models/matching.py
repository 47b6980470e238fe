"""Matching networks."""

from typing import Any

import keras

from fsl_keras.backbones.check import check_backbone
from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import MatchingHead
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class MatchingNetwork(MetricModel):
    """Matching network: attention to the examples gives the class of a query.

    Training learns an embedding in which queries attend to examples of their class.
    Train with the ways and shots of the test.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        full_context: bool, whether embeddings depend on the whole support set, see
            `MatchingHead`.
        scale: float, the initial factor of cosine similarities.
        steps: integer, the number of times that a query attends to the examples with
            full context.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = MatchingNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("full_context", "scale", "steps")

    def __init__(
        self,
        backbone: Model,
        full_context: bool = False,
        scale: float = 10.0,
        steps: int = 3,
        name: str | None = None,
        **kwargs: Any,
    ):
        check_backbone(backbone)
        units = backbone.output_shape[-1] if full_context else None
        head = MatchingHead(full_context, scale, steps, units, name="matching")
        super().__init__(backbone, head, name=name, **kwargs)
