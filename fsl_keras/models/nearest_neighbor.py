"""Nearest neighbor on pretrained features."""

from typing import Any

import keras

from fsl_keras.heads import NearestNeighborHead
from fsl_keras.models.transfer import TransferLearner
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
class NearestNeighbor(TransferLearner):
    """Classifies by the examples with the nearest pretrained features.

    The backbone is frozen: `fit` on episodes raises an error.

    Reference:

    - [Cover & Hart, 1967](https://doi.org/10.1109/TIT.1967.1053964)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`; a
            `Flatten` layer compares the items themselves.
        neighbors: integer, the number of examples that vote. With one, the logit of a
            class is the negative distance to its nearest example.
        distance: `"squared_euclidean"` or `"cosine"`.
        name: optional string.

    Example:

    >>> import numpy as np
    >>> pixels = keras.Sequential([keras.Input((2, 2)), keras.layers.Flatten()])
    >>> model = NearestNeighbor(pixels)
    >>> items = np.arange(16, dtype="float32").reshape(4, 2, 2)
    >>> classifier = model.adapt(items, ["low", "low", "high", "high"])
    >>> [answer.class_name for answer in classifier.predict_classes(items[:3])]
    ['low', 'low', 'high']
    """

    head_arguments = ("neighbors", "distance")

    def __init__(
        self,
        backbone: Model,
        neighbors: int = 1,
        distance: str = "squared_euclidean",
        name: str | None = None,
        **kwargs: Any,
    ):
        head = NearestNeighborHead(neighbors, distance, name="neighbors")
        super().__init__(backbone, head, name=name, **kwargs)
