"""Nearest prototype: the mean embedding of each class."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.sums import NearestMeanHead
from fsl_keras.layers.unit_length import inverse_length, to_unit_length
from fsl_keras.typing import Tensor

DISTANCES = ("squared_euclidean", "cosine")


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class PrototypeHead(NearestMeanHead):
    """Scores a query by its distance to the mean embedding of each class.

    Logits are negative squared Euclidean distances, or cosine similarities multiplied
    by a learned scale. The memory is a sum and a count per class, so classes and
    examples can be added at any time; the prototypes of other classes stay
    bit-identical.

    Reference:

    - [Snell et al., 2017](https://arxiv.org/abs/1703.05175)
    - cosine: [Gidaris & Komodakis, 2018](https://arxiv.org/abs/1804.09458)

    Args:
        distance: `"squared_euclidean"` or `"cosine"`.
        scale: float, the initial factor of cosine similarities. It is learned. Unused
            with squared Euclidean distances.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `distance` is unknown.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[1.0, 0.0], [4.0, 0.0]]])
    >>> np.asarray(PrototypeHead()(support, labels, query)).tolist()
    [[[-0.0, -16.0], [-9.0, -1.0]]]
    """

    def __init__(
        self, distance: str = "squared_euclidean", scale: float = 10.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        if distance not in DISTANCES:
            raise ValueError(
                f"`distance` must be one of {DISTANCES}. Received: "
                f"distance={distance!r}"
            )
        self.distance = distance
        self.initial_scale = scale
        self.scale = None
        if distance == "cosine":
            self.scale = self.add_weight(
                name="scale",
                shape=(),
                initializer=keras.initializers.Constant(scale),
            )
        self.built = True

    @property
    def search_metric(self) -> str:  # type: ignore[override]
        """What orders the classes of a query: the distance."""
        return self.distance

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        if self.distance == "cosine":
            products = self.products(state, to_unit_length(query))
            # Not the prototypes are scaled, which are many numbers, but the products.
            scales = self.scale * inverse_length(state["squares"])
            logits = products * scales[:, None, :]
        else:
            logits = -self.squared_distances(state, query)
        return self.mask_absent(logits, state["present"])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "distance": self.distance, "scale": self.initial_scale}


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
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
