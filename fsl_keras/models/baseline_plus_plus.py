"""Baseline++: a cosine classifier on pretrained features."""

import keras

from fsl_keras.heads import LinearHead
from fsl_keras.models.transfer import TransferLearner


@keras.saving.register_keras_serializable(package="fsl_keras")
class BaselinePlusPlus(TransferLearner):
    """Fits a cosine classifier to the pretrained features of each support set.

    The backbone is trained under a cosine classifier too, by
    `SupervisedPretraining(backbone, classes, head="cosine")`; `fit` on episodes is
    refused.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        steps: integer, gradient steps on a support set.
        learning_rate: float, the size of a step, see `LinearHead`.
        weight_decay: float.
        temperature: float, the factor of cosine similarities, which stays as it is.
        name: optional string.

    Example:

    >>> import numpy as np
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = BaselinePlusPlus(backbone)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> classifier = model.adapt(items, ["a", "a", "b", "b", "c", "c"])
    >>> classifier.predict(items, verbose=0).shape
    (6, 3)
    """

    pretraining_head = "cosine"

    def __init__(
        self,
        backbone,
        steps=100,
        learning_rate=1.0,
        weight_decay=1e-3,
        temperature=10.0,
        name=None,
        **kwargs,
    ):
        head = LinearHead(
            "cosine", steps, learning_rate, weight_decay, temperature, name="cosine"
        )
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        options = ("steps", "learning_rate", "weight_decay", "temperature")
        return {**config, **{name: getattr(self.head, name) for name in options}}
