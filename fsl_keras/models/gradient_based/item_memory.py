"""Learners whose memory is the support set itself."""

from keras import ops

from fsl_keras.heads.examples import with_examples_alone
from fsl_keras.models.episodic import EpisodicModel
from fsl_keras.typing import Nested, Tensor


class ItemMemoryModel(EpisodicModel):
    """Base of the learners that remember all items of a support set.

    The memory is `{"support": [T, S, *item], "labels": [T, S, N]}`.
    """

    memory_holds_features = True

    def remember(self, support: Tensor, support_labels: Tensor) -> Nested:
        """Returns `{"support": [T, S, *item], "labels": [T, S, N]}`."""
        support = ops.convert_to_tensor(support)
        return {"support": support, "labels": ops.convert_to_tensor(support_labels)}

    def merge(self, memory: Nested, more: Nested) -> Nested:
        """Concatenates the examples of two memories over the same classes."""
        return {
            name: ops.concatenate([memory[name], more[name]], axis=1) for name in memory
        }

    def widen(self, memory: Nested, ways: int) -> Nested:
        """Adds classes without examples to a memory until it has `ways` classes."""
        more = ways - memory["labels"].shape[2]
        labels = ops.pad(memory["labels"], ((0, 0), (0, 0), (0, more)))
        return {**memory, "labels": labels}

    def select(self, memory: Nested, classes: list[int]) -> Nested:
        """Keeps the given classes of a memory and their examples."""
        labels = ops.take(memory["labels"], classes, axis=2)
        return with_examples_alone({"support": memory["support"], "labels": labels})
