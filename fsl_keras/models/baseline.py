"""Baseline: a linear classifier on pretrained features."""

import keras

from fsl_keras.heads import LinearHead
from fsl_keras.models.transfer import TransferLearner


@keras.saving.register_keras_serializable(package="fsl_keras")
class Baseline(TransferLearner):
    """Fits a linear classifier to the pretrained features of each support set.

    The backbone is trained to tell the training classes apart, by
    `SupervisedPretraining`; `fit` on episodes is refused.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        steps: integer, gradient steps on a support set.
        learning_rate: float, the size of a step, see `LinearHead`.
        weight_decay: float.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> pretraining = fsl.pretraining.SupervisedPretraining(backbone, classes=20)
    >>> model = Baseline(pretraining.backbone)  # after `pretraining.fit(...)`
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> classifier = model.adapt(items, ["a", "a", "b", "b", "c", "c"])
    >>> classifier.predict(items, verbose=0).shape
    (6, 3)
    """

    def __init__(
        self,
        backbone,
        steps=100,
        learning_rate=1.0,
        weight_decay=1e-3,
        name=None,
        **kwargs,
    ):
        head = LinearHead("linear", steps, learning_rate, weight_decay, name="linear")
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        options = ("steps", "learning_rate", "weight_decay")
        return {**config, **{name: getattr(self.head, name) for name in options}}
