"""Reconstruction of feature maps from those of each class."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.inverse import inverse
from fsl_keras.heads.sums import SumHead
from fsl_keras.typing import Shape, Tensor

# The least regularization, relative to the trace of the matrix that is inverted: a
# smaller one would vanish in the rounding of float32.
MIN_REGULARIZATION = 1e-5


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class ReconstructionHead(SumHead):
    """Scores a query by the error of reconstructing its feature map from each class.

    The features at every location of the query are regressed on those at all locations
    of the examples of a class, by ridge regression in closed form. The logit is the
    negative mean squared error over locations, multiplied by a learned scale. This
    compares local features wherever they are; average pooling would discard their
    arrangement.

    The error depends on a map only through its channel products, summed over
    locations: with the features `Q` of a query and `S` of a class, both divided by the
    root of D, it is the inner product of `Q^T Q` and `(I - rho H)^2`, where
    `H = S^T S (S^T S + lambda I)^-1`. So the memory is one matrix and a count per
    class for any number of examples, and classes and examples can be added at any
    time. Scoring a query costs as much as comparing vectors of length D * D.

    With `bidirectional`, the maps of a class are also reconstructed from that of the
    query, and this error is added with a learned weight: it detects parts of the class
    that the query lacks. It takes the inverse of a D x D matrix per query, which
    LiteRT and ONNX files compute by products.

    If items have several maps, as with `backbones.MultiOrientation`, each is
    reconstructed from the corresponding maps of the examples, and the errors are
    averaged.

    Reference:

    - [Wertheimer et al., 2021](https://arxiv.org/abs/2012.01506)
    - [Wu et al., 2022](https://arxiv.org/abs/2211.17161), `bidirectional`

    Args:
        regularization: float above 0, the initial lambda, in units of the number of
            locations of all examples of a class, divided by D.
        scale: float above 0, the initial factor of the errors.
        learned: bool, whether training changes both, and rho, by which reconstructions
            are multiplied, and which starts at 1.
        bidirectional: bool, whether classes are also reconstructed from the query. The
            weight of that error starts at 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float feature maps `[T, S, h, w, D]`, or `[T, S, L, h, w, D]` with L
            maps per item.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float feature maps `[T, M, h, w, D]` or `[T, M, L, h, w, D]`.

    Raises:
        ValueError: if `regularization` or `scale` is not above 0.

    Example:

    >>> import numpy as np
    >>> maps = np.eye(2)[None, :, None, None]  # two maps, one location, two channels
    >>> head = ReconstructionHead(regularization=1.0, scale=8.0)
    >>> np.asarray(head(maps, np.eye(2)[None], maps)).tolist()
    [[[-1.0, -4.0], [-4.0, -1.0]]]
    """

    embedding_rank = 3
    class_axes = {"products": 1, "counts": 1}

    def __init__(
        self,
        regularization: float = 1.0,
        scale: float = 10.0,
        learned: bool = True,
        bidirectional: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, value in {"regularization": regularization, "scale": scale}.items():
            if not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}` must be above 0; try 1.0. Received: {name}={value!r}"
                )
        self.regularization = regularization
        self.scale = scale
        self.learned = learned
        self.bidirectional = bidirectional
        # Logarithms are learned, so that the values stay above 0.
        starts = {
            "log_regularization": math.log(regularization),
            "log_scale": math.log(scale),
            "log_rho": 0.0,
        }
        if bidirectional:
            starts["log_backward"] = 0.0
        for name, start in starts.items():
            weight = self.add_weight(
                name=name,
                shape=(),
                initializer=keras.initializers.Constant(start),
                trainable=learned,
            )
            setattr(self, name, weight)
        self.built = True

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"products": [T, N, L, D, D], "counts": [T, N]}`.

        Counts are of locations.
        """
        labels = ops.cast(support_labels, "float32")
        products = ops.einsum("tsn,tslde->tnlde", labels, channel_products(support))
        locations = math.prod(support.shape[-3:-1])
        return {"products": products, "counts": locations * ops.sum(labels, axis=1)}

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"residuals": [T, N, L, D, D], "present": [T, N]}`.

        With `bidirectional` also `"means"`: the products of each class per location.
        """
        products, counts = memory["products"], memory["counts"]
        state = {
            "residuals": self._residuals(products, counts),
            "present": ops.cast(counts > 0, "float32"),
        }
        if self.bidirectional:
            state["means"] = products / ops.maximum(counts, 1.0)[..., None, None, None]
        return state

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query feature maps `[T, M, ..., D]`."""
        products = channel_products(query)
        locations = math.prod(query.shape[-3:-1])
        errors = pairwise(products / locations, state["residuals"])
        backward = None
        if self.bidirectional:
            residuals = self._residuals(products, ops.cast(locations, "float32"))
            backward = ops.swapaxes(pairwise(state["means"], residuals), 1, 2)
        logits = self._logits(errors, backward, products.shape[2])
        return self.mask_absent(logits, state["present"])

    def pairwise_logits(self, maps: Tensor) -> Tensor:
        """Returns the logits of each map as a query, with each as a one-shot class.

        Args:
            maps: float feature maps `[T, L, h, w, D]`, or several per item.

        Returns:
            float32 `[T, L, L]`, of queries and examples.
        """
        products = channel_products(maps)
        locations = math.prod(maps.shape[-3:-1])
        residuals = self._residuals(products, ops.cast(locations, "float32"))
        errors = pairwise(products / locations, residuals)
        return self._logits(errors, ops.swapaxes(errors, 1, 2), products.shape[2])

    def _logits(self, errors, backward, several):
        """Returns the logits of errors `[T, M, N]`, summed over several maps."""
        if self.bidirectional:
            errors = errors + ops.exp(self.log_backward) * backward
        return -ops.exp(self.log_scale) * errors / several

    def _residuals(self, products, counts):
        """Returns the matrices whose inner product with those of maps is the error.

        Args:
            products: float32 `[T, N, L, D, D]`, of the maps to regress on.
            counts: float32 `[T, N]` or `[]`, the number of their locations.
        """
        channels = products.shape[-1]
        identity = ops.eye(channels)
        ridge = ops.exp(self.log_regularization) * ops.maximum(counts, 1.0) / channels
        trace = ops.sum(products * identity, axis=(-2, -1))
        ridge = ops.maximum(ridge[..., None], MIN_REGULARIZATION * trace)
        ridge = ridge[..., None, None]
        # H = I - lambda (S^T S + lambda I)^-1, as S^T S is the system minus lambda I.
        hat = identity - ridge * inverse(products + ridge * identity)
        missing = identity - ops.exp(self.log_rho) * hat
        return ops.matmul(missing, missing)

    def check_embeddings(self, shape: Shape) -> None:
        """Raises a `ValueError` for embeddings that are not one or several maps."""
        super().check_embeddings(shape[1:] if len(shape) == 4 else shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "scale": self.scale,
            "learned": self.learned,
            "bidirectional": self.bidirectional,
        }


def pairwise(products: Tensor, residuals: Tensor) -> Tensor:
    """Returns the squared errors `[T, M, N]` of each map by each residual."""
    return ops.einsum("tmlde,tnlde->tmn", products, residuals)


def channel_products(maps: Tensor) -> Tensor:
    """Returns the channel products of maps, summed over locations and divided by D.

    Args:
        maps: feature maps `[T, S, h, w, D]` or `[T, S, L, h, w, D]`.

    Returns:
        float32 `[T, S, L, D, D]`, where L is 1 for one map per item.
    """
    maps = ops.cast(maps, "float32")
    *several, height, width, channels = maps.shape[2:]
    shape = (*ops.shape(maps)[:2], math.prod(several), height * width, channels)
    maps = ops.reshape(maps, shape)
    return ops.matmul(ops.swapaxes(maps, 3, 4), maps) / channels
