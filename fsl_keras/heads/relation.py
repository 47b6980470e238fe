"""A network that compares feature maps."""

from typing import Any

import keras
from keras import layers, ops

from fsl_keras.heads.sums import SumHead
from fsl_keras.layers import FusedBatchNormalization
from fsl_keras.typing import Shape, Tensor

AGGREGATES = ("sum", "mean")


@keras.saving.register_keras_serializable(package="fsl_keras")
class RelationHead(SumHead):
    """Scores a query by a small network on its feature map and that of each class.

    The map of a class is the sum or the mean of those of its examples. It is
    concatenated with that of the query along channels. Two blocks follow (3x3
    convolution, batch normalization, ReLU, and 2x2 max pooling if the map is at least
    2x2), then two dense layers. The logit is the relation score before its sigmoid.

    In training, the pairs of all queries and classes of a batch share batch
    statistics, including pairs with padding or with classes without examples.
    Otherwise the running statistics are used, and such pairs have no effect on others.

    The memory is a sum and a count per class. A call takes `T * M * N * h * w *
    filters` numbers.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        filters: integer, channels of the two convolutions.
        units: integer, size of the first dense layer.
        momentum: float, of the running statistics.
        aggregate: `"sum"`, as in the paper, for the number of shots of the training, or
            `"mean"` for any number of shots.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float feature maps `[T, S, h, w, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float feature maps `[T, M, h, w, D]`.
        training: bool, whether to normalize by batch statistics.

    Raises:
        ValueError: if `aggregate` is unknown.

    Example:

    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(1, 6, 5, 5, 16))
    >>> labels = np.eye(3)[None, [0, 0, 1, 1, 2, 2]]
    >>> RelationHead()(maps, labels, maps).shape
    TensorShape([1, 6, 3])
    """

    embedding_rank = 3
    class_axes = {"sums": 1, "counts": 1}

    def __init__(
        self,
        filters: int = 64,
        units: int = 8,
        momentum: float = 0.95,
        aggregate: str = "sum",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if aggregate not in AGGREGATES:
            raise ValueError(
                f"`aggregate` must be one of {AGGREGATES}. Received: "
                f"aggregate={aggregate!r}"
            )
        self.aggregate = aggregate
        self.filters = filters
        self.units = units
        self.momentum = momentum
        dtype = {"dtype": self.dtype_policy}
        last = {"data_format": "channels_last"}
        convolution = {"padding": "same", "use_bias": False, **last, **dtype}
        self.class_convolution = layers.Conv2D(filters, 3, name="class", **convolution)
        self.query_convolution = layers.Conv2D(filters, 3, name="query", **convolution)
        self.pair_convolution = layers.Conv2D(filters, 3, name="pair", **convolution)
        self.normalizations = [
            FusedBatchNormalization(momentum=momentum, name=f"norm{block}", **dtype)
            for block in (1, 2)
        ]
        self.hidden = layers.Dense(units, activation="relu", name="hidden", **dtype)
        self.relation = layers.Dense(1, name="relation", **dtype)

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights for feature maps `[T, S, h, w, D]`."""
        del support_labels_shape, query_shape
        *size, channels = support_shape[2:]
        maps = (None, *size, self.filters)
        self.class_convolution.build((None, *size, channels))
        self.query_convolution.build((None, *size, channels))
        self.normalizations[0].build(maps)
        maps = _pooled(maps)
        self.pair_convolution.build(maps)
        self.normalizations[1].build(maps)
        _, height, width, _ = _pooled(maps)
        self.hidden.build((None, height * width * self.filters))
        self.relation.build((None, self.units))

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, h, w, D], "counts": [T, N]}`."""
        support = ops.cast(support, "float32")
        labels = ops.cast(support_labels, "float32")
        sums = ops.einsum("tsn,tshwd->tnhwd", labels, support)
        return {"sums": sums, "counts": ops.sum(labels, axis=1)}

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"maps": [T, N, h, w, D], "present": [T, N]}`."""
        maps, counts = memory["sums"], memory["counts"]
        if self.aggregate == "mean":
            maps = maps / ops.maximum(counts, 1.0)[..., None, None, None]
        return {"maps": maps, "present": ops.cast(counts > 0, "float32")}

    def score(
        self, state: dict[str, Tensor], query: Tensor, training: bool = False
    ) -> Tensor:
        """Returns the logits `[T, M, N]` of query feature maps `[T, M, h, w, D]`."""
        query = ops.cast(query, "float32")
        # The convolution of two concatenated maps is the sum of two convolutions, which
        # are computed per class and per query instead of per pair.
        of_class = _per_map(self.class_convolution, state["maps"])
        of_query = _per_map(self.query_convolution, query)
        pairs = of_query[:, :, None] + of_class[:, None]
        lead = ops.shape(pairs)[:3]
        x = ops.reshape(pairs, (-1, *pairs.shape[3:]))
        x = self._normalize(0, x, training)
        x = self._normalize(1, self.pair_convolution(x), training)
        x = ops.reshape(x, (-1, x.shape[1] * x.shape[2] * self.filters))
        logits = ops.reshape(self.relation(self.hidden(x)), lead)
        return self.mask_absent(logits, state["present"])

    def _normalize(self, block, x, training):
        x = ops.relu(self.normalizations[block](x, training=training))
        return (
            ops.max_pool(x, 2, 2, data_format="channels_last")
            if min(x.shape[1:3]) > 1
            else x
        )

    def call(
        self,
        support: Tensor,
        support_labels: Tensor,
        query: Tensor,
        query_mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        del query_mask
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query, training=bool(training))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "units": self.units,
            "momentum": self.momentum,
            "aggregate": self.aggregate,
        }


def _per_map(convolution, maps):
    """Convolves maps `[T, S, h, w, D]` to `[T, S, h, w, filters]`."""
    lead = ops.shape(maps)[:2]
    flat = convolution(ops.reshape(maps, (-1, *maps.shape[2:])))
    return ops.reshape(flat, (*lead, *flat.shape[1:]))


def _pooled(shape):
    """Returns the shape `[B, h, w, c]` after 2x2 max pooling, if there is any."""
    batch, height, width, channels = shape
    if min(height, width) == 1:
        return shape
    return (batch, height // 2, width // 2, channels)
