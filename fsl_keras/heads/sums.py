"""The bases of heads whose memory is sums over the examples."""

from keras import ops

from fsl_keras.heads.head import Head
from fsl_keras.typing import Tensor

# The name in a state of factors `[T, N]` by which prototypes are multiplied. Those of
# very many classes are stored in few bits.
SCALES = "scales"


class SumHead(Head):
    """Base of the heads whose memory is sums over the examples.

    Memories merge by addition, so the memory does not grow with the number of
    examples. With sums for each class alone, the state of a class is bit-identical
    when other classes are added.
    """

    incremental = "exact"

    def merge(
        self, memory: dict[str, Tensor], more: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Adds two memories over the same classes."""
        return {name: memory[name] + more[name] for name in memory}


class MeanHead(SumHead):
    """Base of the heads whose state is the mean embedding of each class.

    The memory is `{"sums": [T, N, D], "counts": [T, N]}`. Subclasses implement `score`.
    """

    class_axes = {"sums": 1, "counts": 1}
    weighs_examples = True

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, D], "counts": [T, N]}`."""
        support = ops.cast(support, "float32")
        labels = ops.cast(support_labels, "float32")
        sums = ops.einsum("tsn,tsd->tnd", labels, support)
        return {"sums": sums, "counts": ops.sum(labels, axis=1)}

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"prototypes": [T, N, D], "present": [T, N]}`."""
        counts = memory["counts"]
        means = memory["sums"] / ops.where(counts > 0, counts, 1.0)[..., None]
        return {"prototypes": means, "present": ops.cast(counts > 0, "float32")}


class NearestMeanHead(MeanHead):
    """Base of the heads that compare a query with the mean of each class alone.

    The state is that of `MeanHead` with the squared lengths of the prototypes, which
    distances and cosines to many classes would otherwise compute for each query. The
    sums of the memory are restored from the prototypes. Subclasses implement `score`;
    `search_metric` and `search_vectors` tell how an index of prototypes finds those of
    the largest logits. `products` respects the factors that a state may have.
    """

    restored = ("sums",)
    # `"cosine"` or `"squared_euclidean"`: what orders the classes of a query.
    search_metric = "squared_euclidean"

    def search_vectors(self, query: Tensor) -> Tensor:
        """Returns what is compared with the prototypes, float32, of embeddings."""
        return ops.cast(query, "float32")

    def products(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the scalar products `[T, M, N]` of queries and prototypes."""
        found = scalar_products(query, state["prototypes"])
        return found * state[SCALES][:, None, :] if SCALES in state else found

    def squared_distances(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the squared distances `[T, M, N]` of queries and prototypes."""
        lengths = ops.sum(ops.square(query), axis=-1)[..., None]
        squares = state["squares"][..., None, :]
        return ops.maximum(lengths - 2.0 * self.products(state, query) + squares, 0.0)

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"prototypes": [T, N, D], "present", "squares": [T, N]}`."""
        state = super().prepare(memory)
        squares = ops.sum(ops.square(state["prototypes"]), axis=-1)
        return {**state, "squares": squares}

    def restore(
        self, memory: dict[str, Tensor], state: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, D], "counts": [T, N]}` of the counts alone."""
        return {"sums": state["prototypes"] * memory["counts"][..., None], **memory}


def scalar_products(a: Tensor, b: Tensor) -> Tensor:
    """Returns the scalar products `[T, M, N]` of two sets of vectors.

    Args:
        a: float32 `[T, M, D]`.
        b: float32 `[T, N, D]`.
    """
    if a.shape[0] == a.shape[1] == b.shape[0] == 1:
        # For one vector and many others this is faster than a product of matrices.
        return ops.matmul(b[0], a[0, 0])[None, None]
    return ops.einsum("tmd,tnd->tmn", a, b)
