"""A network that compares feature maps."""

import keras
from keras import layers, ops

from fsl_keras.heads.head import ABSENT, Head
from fsl_keras.layers import FusedBatchNormalization

AGGREGATES = ("sum", "mean")


@keras.saving.register_keras_serializable(package="fsl_keras")
class RelationHead(Head):
    """Scores a query by a small network on its feature map and that of each class.

    The map of a class is the sum or the mean of those of its examples. It is put
    together with the query's along channels; two blocks of a 3x3 convolution, batch
    normalization, a ReLU and, where there are at least 2x2 places, a 2x2 maximum
    follow, and two dense layers give the relation score, here before its sigmoid.

    In training, the pairs of all queries and classes of a batch share statistics;
    pairs with padding or with a class without examples are among them. Otherwise the
    running statistics are used, and such pairs touch no other.

    Its memory is a sum and a count a class. A call takes `T * M * N * h * w * filters`
    numbers.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        filters: integer, channels of the two convolutions.
        units: integer, size of the first dense layer.
        momentum: float, of the running statistics.
        aggregate: `"sum"`, as in the paper, for the shots it is trained at, or
            `"mean"`, which serves other shots too.

    Raises:
        ValueError: if `aggregate` is neither.

    Call arguments:
        support: float feature maps `[T, S, h, w, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float feature maps `[T, M, h, w, D]`.
        training: bool, whether to normalize by the batch.

    Example:

    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(1, 6, 5, 5, 16))
    >>> labels = np.eye(3)[None, [0, 0, 1, 1, 2, 2]]
    >>> RelationHead()(maps, labels, maps).shape
    TensorShape([1, 6, 3])
    """

    incremental = "exact"
    embedding_rank = 3
    class_axes = {"sums": 1, "counts": 1}

    def __init__(self, filters=64, units=8, momentum=0.95, aggregate="sum", **kwargs):
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

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the weights for feature maps `[T, S, h, w, D]`."""
        del support_labels_shape, query_shape
        *size, channels = support_shape[2:]
        maps = (None, *size, self.filters)
        self.class_convolution.build((None, *size, channels))
        self.query_convolution.build((None, *size, channels))
        self.normalizations[0].build(maps)
        maps = _halved(maps)
        self.pair_convolution.build(maps)
        self.normalizations[1].build(maps)
        _, height, width, _ = _halved(maps)
        self.hidden.build((None, height * width * self.filters))
        self.relation.build((None, self.units))

    def remember(self, support, support_labels):
        """Returns `{"sums": [T, N, h, w, D], "counts": [T, N]}`."""
        support = ops.cast(support, "float32")
        labels = ops.cast(support_labels, "float32")
        sums = ops.einsum("tsn,tshwd->tnhwd", labels, support)
        return {"sums": sums, "counts": ops.sum(labels, axis=1)}

    def prepare(self, memory):
        """Returns `{"maps": [T, N, h, w, D], "present": [T, N]}`."""
        maps, counts = memory["sums"], memory["counts"]
        if self.aggregate == "mean":
            maps = maps / ops.maximum(counts, 1.0)[..., None, None, None]
        return {"maps": maps, "present": ops.cast(counts > 0, "float32")}

    def score(self, state, query, training=False):
        """Returns the logits `[T, M, N]` of query feature maps `[T, M, h, w, D]`."""
        query = ops.cast(query, "float32")
        # The convolution of two maps put together is the sum of a convolution of
        # each: computed for each class and query and not for each pair.
        of_class = _per_map(self.class_convolution, state["maps"])
        of_query = _per_map(self.query_convolution, query)
        pairs = of_query[:, :, None] + of_class[:, None]
        lead = ops.shape(pairs)[:3]
        x = ops.reshape(pairs, (-1, *pairs.shape[3:]))
        x = self._normalize(0, x, training)
        x = self._normalize(1, self.pair_convolution(x), training)
        x = ops.reshape(x, (-1, x.shape[1] * x.shape[2] * self.filters))
        logits = ops.reshape(self.relation(self.hidden(x)), lead)
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def _normalize(self, block, x, training):
        x = ops.relu(self.normalizations[block](x, training=training))
        return (
            ops.max_pool(x, 2, data_format="channels_last")
            if min(x.shape[1:3]) > 1
            else x
        )

    def merge(self, memory, more):
        """Adds up two memories over the same classes."""
        return {name: memory[name] + more[name] for name in memory}

    def call(self, support, support_labels, query, query_mask=None, training=None):
        del query_mask
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query, training=bool(training))

    def get_config(self):
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


def _halved(shape):
    """Returns the shape `[B, h, w, c]` after a 2x2 maximum, where one is taken."""
    batch, height, width, channels = shape
    if min(height, width) == 1:
        return shape
    return (batch, height // 2, width // 2, channels)
