"""Reconstruction of feature maps from those of each class."""

import math

import keras
from keras import ops

from fsl_keras.heads.head import ABSENT, Head
from fsl_keras.heads.inverse import inverse

# The least regularization, as a share of the trace of what is inverted: less of it
# would drown in what float32 rounds away.
LEAST = 1e-5


@keras.saving.register_keras_serializable(package="fsl_keras")
class ReconstructionHead(Head):
    """Scores a query by how well its feature map is a mixture of those of each class.

    Every place of a query's map is regressed on all places of the maps of a class's
    examples, by ridge regression in closed form; the logit is the negative mean squared
    error over places, times a learned scale. Parts are so compared with parts, wherever
    they are: a mean over places would have mixed them up before.

    The errors depend on a map only by its products of channels, summed over places:
    with the features `Q` of a query and `S` of a class, both divided by the root of D,
    the error is the product of `Q^T Q` and `(I - rho H)^2`, where
    `H = S^T S (S^T S + lambda I)^-1`. So its memory is a matrix and a count a class of
    any number of examples, classes and examples can be added at any time, and a query
    costs as much as one whose embedding is D * D numbers.

    With `bidirectional`, the maps of a class are also reconstructed from that of the
    query, and this error, times a learned weight, is added: it tells of parts of the
    class that the query has not. It takes the inverse of a D x D matrix a query, which
    LiteRT and ONNX files compute by products.

    Several maps of an item, as `backbones.MultiOrientation` gives, are each
    reconstructed from the same one of the examples, and their errors averaged.

    Reference:

    - [Wertheimer et al., 2021](https://arxiv.org/abs/2012.01506)
    - [Wu et al., 2022](https://arxiv.org/abs/2211.17161), `bidirectional`

    Args:
        regularization: float above 0, when training starts: lambda in units of the
            number of places of all examples of a class, divided by D.
        temperature: float above 0, the scale of the errors when training starts.
        learned: bool, whether training changes both, and rho, by which
            reconstructions are multiplied, and which starts at 1.
        bidirectional: bool, whether classes are reconstructed from the query too. The
            weight of their error starts at 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float feature maps `[T, S, h, w, D]`, or `[T, S, L, h, w, D]` where
            each item has L of them.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float feature maps `[T, M, h, w, D]` or `[T, M, L, h, w, D]`.

    Raises:
        ValueError: if `regularization` or `temperature` is not above 0.

    Example:

    >>> import numpy as np
    >>> maps = np.eye(2)[None, :, None, None]  # two maps of one place, two channels
    >>> head = ReconstructionHead(regularization=1.0, temperature=8.0)
    >>> np.asarray(head(maps, np.eye(2)[None], maps)).tolist()
    [[[-1.0, -4.0], [-4.0, -1.0]]]
    """

    incremental = "exact"
    embedding_rank = 3
    class_axes = {"products": 1, "counts": 1}

    def __init__(
        self,
        regularization=1.0,
        temperature=10.0,
        learned=True,
        bidirectional=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        given = {"regularization": regularization, "temperature": temperature}
        for name, value in given.items():
            if not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}` must be above 0; try 1.0. Received: {name}={value!r}"
                )
        self.regularization = regularization
        self.temperature = temperature
        self.learned = learned
        self.bidirectional = bidirectional
        # Logarithms: every value that training finds is above 0.
        starts = {
            "log_regularization": math.log(regularization),
            "log_scale": math.log(temperature),
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

    def remember(self, support, support_labels):
        """Returns `{"products": [T, N, L, D, D], "counts": [T, N]}`.

        Counts are of places.
        """
        labels = ops.cast(support_labels, "float32")
        products = ops.einsum("tsn,tslde->tnlde", labels, channel_products(support))
        places = math.prod(support.shape[-3:-1])
        return {"products": products, "counts": places * ops.sum(labels, axis=1)}

    def prepare(self, memory):
        """Returns `{"residuals": [T, N, L, D, D], "present": [T, N]}`.

        With `bidirectional` also `"means"`: the products of a class, of a place.
        """
        products, counts = memory["products"], memory["counts"]
        state = {
            "residuals": self._residuals(products, counts),
            "present": ops.cast(counts > 0, "float32"),
        }
        if self.bidirectional:
            state["means"] = products / ops.maximum(counts, 1.0)[..., None, None, None]
        return state

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query feature maps `[T, M, ..., D]`."""
        products = channel_products(query)
        places = math.prod(query.shape[-3:-1])
        errors = pairwise(products / places, state["residuals"])
        backward = None
        if self.bidirectional:
            residuals = self._residuals(products, ops.cast(places, "float32"))
            backward = ops.swapaxes(pairwise(state["means"], residuals), 1, 2)
        logits = self._logits(errors, backward, products.shape[2])
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def compare(self, maps):
        """Returns the logits of each map by each one as the only example of a class.

        Args:
            maps: float feature maps `[T, L, h, w, D]`, or several of each item.

        Returns:
            float32 `[T, L, L]`, of queries and examples: what `score` gives where every
            map is a query and a class of its own.
        """
        products = channel_products(maps)
        places = math.prod(maps.shape[-3:-1])
        residuals = self._residuals(products, ops.cast(places, "float32"))
        errors = pairwise(products / places, residuals)
        return self._logits(errors, ops.swapaxes(errors, 1, 2), products.shape[2])

    def _logits(self, errors, backward, several):
        """Returns the logits of errors `[T, M, N]`, summed over several maps."""
        if self.bidirectional:
            errors = errors + ops.exp(self.log_backward) * backward
        return -ops.exp(self.log_scale) * errors / several

    def _residuals(self, products, counts):
        """Returns what takes products of maps to the squared error of regressing them.

        Args:
            products: float32 `[T, N, L, D, D]`, of the maps they are regressed on.
            counts: float32 `[T, N]` or `[]`, their places.
        """
        channels = products.shape[-1]
        identity = ops.eye(channels)
        ridge = ops.exp(self.log_regularization) * ops.maximum(counts, 1.0) / channels
        trace = ops.sum(products * identity, axis=(-2, -1))
        ridge = ops.maximum(ridge[..., None], LEAST * trace)[..., None, None]
        # H = I - lambda (S^T S + lambda I)^-1, as S^T S is the system less lambda I.
        hat = identity - ridge * inverse(products + ridge * identity)
        missing = identity - ops.exp(self.log_rho) * hat
        return ops.matmul(missing, missing)

    def merge(self, memory, more):
        """Adds up two memories over the same classes."""
        return {name: memory[name] + more[name] for name in memory}

    def check_embeddings(self, shape):
        """Refuses embeddings that are not one or several feature maps."""
        # Of several, what one of them is.
        super().check_embeddings(shape[1:] if len(shape) == 4 else shape)

    def get_config(self):
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "temperature": self.temperature,
            "learned": self.learned,
            "bidirectional": self.bidirectional,
        }


def pairwise(products, residuals):
    """Returns the squared errors `[T, M, N]` of maps, each from each of others."""
    return ops.einsum("tmlde,tnlde->tmn", products, residuals)


def channel_products(maps):
    """Returns the products of channels of maps, summed over places and divided by D.

    Args:
        maps: feature maps `[T, S, h, w, D]` or `[T, S, L, h, w, D]`.

    Returns:
        float32 `[T, S, L, D, D]`, of one map each where there is no L.
    """
    maps = ops.cast(maps, "float32")
    *several, height, width, channels = maps.shape[2:]
    shape = (*ops.shape(maps)[:2], math.prod(several), height * width, channels)
    maps = ops.reshape(maps, shape)
    return ops.matmul(ops.swapaxes(maps, 3, 4), maps) / channels
