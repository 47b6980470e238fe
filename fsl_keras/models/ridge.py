"""Ridge regression networks (R2-D2)."""

from typing import Any

import keras

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import RidgeHead
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class RidgeRegressionNetwork(MetricModel):
    """R2-D2: learns an embedding for classification by ridge regression.

    The linear classifier of each support set is computed in closed form, and training
    backpropagates through the solution. Train with more ways than in the test; the
    paper samples the number of shots anew for each episode.

    Reference:

    - [Bertinetto et al., 2019](https://arxiv.org/abs/1805.08136)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        regularization: float above 0, the initial lambda, see `RidgeHead`.
        scale: float, the initial factor of the regressed labels.
        learned: bool, whether training changes both, and a bias of the logits.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = RidgeRegressionNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("regularization", "scale", "learned")

    def __init__(
        self,
        backbone: Model,
        regularization: float = 1.0,
        scale: float = 10.0,
        learned: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        head = RidgeHead(regularization, scale, learned, name="ridge")
        super().__init__(backbone, head, name=name, **kwargs)
