"""The bases of heads whose memory is sums over the examples."""

from keras import ops

from fsl_keras.heads.head import Head
from fsl_keras.typing import Tensor


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
