"""Ridge regression networks, known as R2-D2."""

import keras

from fsl_keras.heads import RidgeHead
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class RidgeRegressionNetwork(MetricModel):
    """R2-D2: learns an embedding on which ridge regression does well.

    The linear classifier of each support set is solved for in closed form, and
    training goes through the solution. Train it on more ways than it will be tested
    on; the paper draws the number of shots anew for each episode.

    Reference:

    - [Bertinetto et al., 2019](https://arxiv.org/abs/1805.08136)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        regularization: float above 0, the initial lambda, see `RidgeHead`.
        temperature: float, the initial scale of the regressed labels.
        learned: bool, whether training changes both and a bias of the logits.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = RidgeRegressionNetwork(fsl.backbones.Conv4((28, 28, 1)))
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
        name=None,
        **kwargs,
    ):
        head = RidgeHead(regularization, temperature, learned, name="ridge")
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "regularization": self.head.regularization,
            "temperature": self.head.temperature,
            "learned": self.head.learned,
        }
