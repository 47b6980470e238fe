"""Baseline++: a cosine classifier on pretrained features."""

from typing import Any

import keras

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import LinearHead
from fsl_keras.models.transfer import TransferLearner
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class BaselinePlusPlus(TransferLearner):
    """Baseline++: fits a cosine classifier to the features of each support set.

    `SupervisedPretraining(backbone, classes, "cosine")` trains the backbone under
    a cosine classifier as well; `fit` on episodes raises an error.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        steps: integer, gradient steps on a support set.
        learning_rate: float, see `LinearHead`.
        weight_decay: float.
        scale: float, the fixed factor of cosine similarities.
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
    head_arguments = ("steps", "learning_rate", "weight_decay", "scale")

    def __init__(
        self,
        backbone: Model,
        steps: int = 100,
        learning_rate: float = 1.0,
        weight_decay: float = 1e-3,
        scale: float = 10.0,
        name: str | None = None,
        **kwargs: Any,
    ):
        head = LinearHead(
            "cosine", steps, learning_rate, weight_decay, scale, name="cosine"
        )
        super().__init__(backbone, head, name=name, **kwargs)
