"""The base of heads whose memory is the embedding of every example."""

from keras import ops

from fsl_keras.heads.head import Head
from fsl_keras.typing import Tensor


class ExampleHead(Head):
    """Base of the heads whose memory is the embedded support set itself.

    The memory is `{"support": [T, S, *embedding], "labels": [T, S, N]}`. Subclasses
    implement `prepare` and `score`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.
    """

    class_axes = {"labels": 2}
    memory_holds_features = True

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"support": [T, S, *embedding], "labels": [T, S, N]}`."""
        return {
            "support": ops.cast(support, "float32"),
            "labels": ops.cast(support_labels, "float32"),
        }

    def merge(
        self, memory: dict[str, Tensor], more: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Concatenates the examples of two memories over the same classes."""
        return {
            name: ops.concatenate([memory[name], more[name]], axis=1) for name in memory
        }

    def select(self, memory: dict[str, Tensor], classes: Tensor) -> dict[str, Tensor]:
        """Keeps the given classes and their examples."""
        return with_examples_alone(super().select(memory, classes))


def with_examples_alone(memory: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drops the rows of a memory `{"support", "labels"}` that have no label."""
    labels = ops.convert_to_numpy(memory["labels"])
    rows = labels.max(axis=(0, 2)).nonzero()[0]
    return {name: ops.take(value, rows, axis=1) for name, value in memory.items()}
