"""Nearest prototype among embeddings in which classes are round."""

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.simple_shot import SimpleShotHead
from fsl_keras.layers.unit_length import to_unit_length


@keras.saving.register_keras_serializable(package="fsl_keras")
class WhitenedHead(SimpleShotHead):
    """Scores a query by its distance to class means, where classes vary most the least.

    How embeddings vary within a class, such as with light and pose, is much the same
    for all classes. `fit_base` learns it from base classes: embeddings, of length one
    and centred, are then multiplied by the inverse root of their covariance within a
    class (WCCN), which is shrunk towards a multiple of the identity, and scaled to
    length one again. Without it the head is `SimpleShotHead` without a center.

    Reference:

    - [Hatch et al., 2006](https://doi.org/10.21437/Interspeech.2006-183)

    Args:
        shrinkage: float in (0, 1], the share of the identity in the covariance.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if the shrinkage is not in (0, 1].

    Example:

    >>> head = WhitenedHead()
    >>> head.build((None, None, 2))
    >>> base = np.array([[3.0, 4], [3, 4.1], [-4, 3], [-4, 3.1]])
    >>> head.fit_base(base, [0, 0, 1, 1])
    >>> query = base[None, :1]
    >>> np.asarray(head(base[None, 1:3], np.eye(2)[None], query)).argmax(-1)
    array([[0]])
    """

    def __init__(self, shrinkage=0.6, **kwargs):
        super().__init__(**kwargs)
        if not 0 < shrinkage <= 1:
            raise ValueError(
                f"`shrinkage` must be above 0 and at most 1. Received: "
                f"shrinkage={shrinkage!r}"
            )
        self.shrinkage = shrinkage
        self.whitening = None

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes center and whitening of embeddings of a shape `[T, S, D]`."""
        super().build(support_shape)
        self.whitening = self.add_weight(
            name="whitening",
            shape=(support_shape[-1], support_shape[-1]),
            initializer="identity",
            trainable=False,
        )

    def fit_base(self, embeddings, labels):
        """Learns how embeddings vary within a class.

        Args:
            embeddings: float array `[n, D]`, of base classes.
            labels: the class number of each.

        Raises:
            ValueError: if no class has two different embeddings.
        """
        embeddings = np.asarray(embeddings, "float64")
        units = embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)
        _, numbers = np.unique(labels, return_inverse=True)
        one_hot = np.eye(numbers.max() + 1)[numbers]
        means = one_hot.T @ units / one_hot.sum(axis=0)[:, None]
        rest = units - means[numbers]
        if not rest.any():
            raise ValueError(
                "The embeddings of each base class are all the same, which tells "
                "nothing of how they vary: give two examples of a class at least."
            )
        values, vectors = np.linalg.eigh(rest.T @ rest / len(rest))
        mean = values.mean()
        shrunk = (1 - self.shrinkage) * np.maximum(values, 0) + self.shrinkage * mean
        self.center.assign(means.mean(axis=0).astype("float32"))
        whitening = (vectors * np.sqrt(mean / shrunk)) @ vectors.T
        self.whitening.assign(whitening.astype("float32"))

    def normalize(self, embeddings):
        """Returns embeddings, whitened and of length one, as float32."""
        units = to_unit_length(ops.cast(embeddings, "float32"), axis=-1)
        whitened = ops.matmul(units - self.center, self.whitening)
        return to_unit_length(whitened, axis=-1)

    def get_config(self):
        return {**super().get_config(), "shrinkage": self.shrinkage}
