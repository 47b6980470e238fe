"""SimpleShot: nearest prototype among centered and normalized features."""

import warnings
from typing import Any

import keras

from fsl_keras.datasets import ClassDataset
from fsl_keras.heads import SimpleShotHead
from fsl_keras.models.transfer import TransferLearner
from fsl_keras.typing import Dataset, Model


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimpleShot(TransferLearner):
    """Nearest prototype among pretrained features, centered and of unit length.

    Call `fit_base` with the data the backbone was trained on: the mean of its
    embeddings is subtracted from every embedding (CL2N). Without it embeddings are
    only scaled to unit length (L2N), which the paper found worse. `fit` on episodes
    is refused: there is nothing to train.

    Reference:

    - [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> items = np.random.default_rng(0).normal(size=(40, 4))
    >>> train = fsl.ClassDataset.from_arrays(items, np.arange(40) % 5)
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = SimpleShot(backbone)
    >>> model.fit_base(train)
    >>> tuple(model.head.center.shape)
    (8,)
    """

    head_arguments = ()

    def __init__(self, backbone: Model, name: str | None = None, **kwargs: Any):
        head = SimpleShotHead(name="prototypes")
        super().__init__(backbone, head, name=name, **kwargs)

    def center_on(self, data: ClassDataset | Dataset) -> None:
        """Deprecated: use `fit_base`.

        Args:
            data: as in `fit_base`.
        """
        warnings.warn(
            "`SimpleShot.center_on` is deprecated. Use `fit_base` instead.",
            stacklevel=2,
        )
        self.fit_base(data, cache=False)
