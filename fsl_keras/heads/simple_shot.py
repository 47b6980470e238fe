"""Nearest prototype among centred embeddings of length one."""

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.prototype import PrototypeHead
from fsl_keras.layers.unit_length import to_unit_length


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimpleShotHead(PrototypeHead):
    """Scores a query by its distance to class means of normalized embeddings.

    An embedding is centred and scaled to length one, which the paper calls CL2N;
    then the logits are negative squared Euclidean distances to the mean of each
    class. `center`, the mean embedding of the training classes, is a weight that no
    gradient reaches. It is zero until it is assigned, which the paper calls L2N.

    Reference:

    - [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 2.0], [5.0, 1.0]]])
    >>> query = np.array([[[0.0, 9.0]]])
    >>> head = SimpleShotHead()
    >>> head.build(support.shape)
    >>> head.set_weights([np.array([0.0, 1.0])])
    >>> np.asarray(head(support, np.eye(2)[None], query)).tolist()
    [[[-0.0, -2.0]]]
    """

    def __init__(self, **kwargs):
        super().__init__("squared_euclidean", **kwargs)
        self.center = None
        self.built = False

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the center of embeddings of a shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        self.center = self.add_weight(
            name="center",
            shape=(support_shape[-1],),
            initializer="zeros",
            trainable=False,
        )

    def fit_base(self, embeddings, labels):
        """Makes the mean of base classes the center.

        Args:
            embeddings: float array `[n, D]`.
            labels: the class number of each, which does not matter here.
        """
        del labels
        self.center.assign(np.mean(embeddings, axis=0, dtype="float64"))

    def normalize(self, embeddings):
        """Returns embeddings, centred and scaled to length one, as float32."""
        return to_unit_length(ops.cast(embeddings, "float32") - self.center)

    def remember(self, support, support_labels):
        """Returns `{"sums": [T, N, D], "counts": [T, N]}`."""
        return super().remember(self.normalize(support), support_labels)

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        return super().score(state, self.normalize(query))

    def get_config(self):
        config = super().get_config()
        del config["distance"], config["temperature"]
        return config
