"""Nearest prototype: the mean embedding of each class."""

import keras
from keras import ops

from fsl_keras.heads.head import ABSENT, Head
from fsl_keras.layers.unit_length import to_unit_length

DISTANCES = ("squared_euclidean", "cosine")


@keras.saving.register_keras_serializable(package="fsl_keras")
class PrototypeHead(Head):
    """Scores a query by its distance to the mean embedding of each class.

    Logits are negative squared Euclidean distances, or cosine similarities times a
    learned temperature. Its memory is a sum and a count a class, so classes and
    examples can be added at any time and the prototypes of other classes stay the
    same to the bit.

    Reference:

    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)
    - cosine: [Gidaris & Komodakis, 2018](https://arxiv.org/abs/1804.09458)

    Args:
        distance: `"squared_euclidean"` or `"cosine"`.
        temperature: float, the factor of cosine similarities when training starts;
            it is learned. Unused with squared Euclidean distances.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[1.0, 0.0], [4.0, 0.0]]])
    >>> np.asarray(PrototypeHead()(support, labels, query)).tolist()
    [[[-0.0, -16.0], [-9.0, -1.0]]]
    """

    incremental = "exact"
    class_axes = {"sums": 1, "counts": 1}

    def __init__(self, distance="squared_euclidean", temperature=10.0, **kwargs):
        super().__init__(**kwargs)
        if distance not in DISTANCES:
            raise ValueError(
                f"`distance` must be one of {DISTANCES}. Received: "
                f"distance={distance!r}"
            )
        self.distance = distance
        self.temperature = temperature
        self.scale = None
        if distance == "cosine":
            self.scale = self.add_weight(
                name="scale",
                shape=(),
                initializer=keras.initializers.Constant(temperature),
            )
        self.built = True

    def remember(self, support, support_labels):
        """Returns `{"sums": [T, N, D], "counts": [T, N]}`."""
        support = ops.cast(support, "float32")
        labels = ops.cast(support_labels, "float32")
        sums = ops.einsum("tsn,tsd->tnd", labels, support)
        return {"sums": sums, "counts": ops.sum(labels, axis=1)}

    def prepare(self, memory):
        """Returns `{"prototypes": [T, N, D], "present": [T, N]}`."""
        counts = memory["counts"]
        means = memory["sums"] / ops.maximum(counts, 1.0)[..., None]
        return {"prototypes": means, "present": ops.cast(counts > 0, "float32")}

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        if self.distance == "cosine":
            prototypes = to_unit_length(state["prototypes"])
            query = to_unit_length(query)
            logits = self.scale * ops.einsum("tmd,tnd->tmn", query, prototypes)
        else:
            logits = -squared_distances(query, state["prototypes"])
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def merge(self, memory, more):
        """Adds up two memories over the same classes."""
        return {name: memory[name] + more[name] for name in memory}

    def get_config(self):
        config = super().get_config()
        return {**config, "distance": self.distance, "temperature": self.temperature}


def squared_distances(a, b):
    """Returns the squared Euclidean distances `[T, M, N]` of two sets of vectors.

    Args:
        a: float32 `[T, M, D]`.
        b: float32 `[T, N, D]`.
    """
    # |a - b|^2 as a matrix product: the differences themselves would take N times
    # the memory of `a`.
    product = ops.einsum("tmd,tnd->tmn", a, b)
    a = ops.sum(ops.square(a), axis=-1)[..., :, None]
    b = ops.sum(ops.square(b), axis=-1)[..., None, :]
    return ops.maximum(a - 2.0 * product + b, 0.0)
