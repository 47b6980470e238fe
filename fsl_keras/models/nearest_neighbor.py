"""Nearest neighbour on pretrained features."""

import keras

from fsl_keras.heads import NearestNeighborHead
from fsl_keras.models.transfer import TransferLearner


@keras.saving.register_keras_serializable(package="fsl_keras")
class NearestNeighbor(TransferLearner):
    """Classifies by the examples whose pretrained features are nearest.

    The backbone stays as it is: `fit` on episodes is refused.

    Reference:

    - [Cover & Hart, 1967](https://doi.org/10.1109/TIT.1967.1053964)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`; a
            `Flatten` layer compares the items themselves.
        neighbors: integer, how many examples vote. With one, the logit of a class is
            the negative distance to its nearest example.
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

    def __init__(
        self, backbone, neighbors=1, distance="squared_euclidean", name=None, **kwargs
    ):
        head = NearestNeighborHead(neighbors, distance, name="neighbors")
        super().__init__(backbone, head, name=name, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        neighbors, distance = self.head.neighbors, self.head.distance
        return {**config, "neighbors": neighbors, "distance": distance}
