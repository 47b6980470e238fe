"""Learners whose memory is the support set itself."""

from keras import ops

from fsl_keras.heads.examples import with_examples_alone
from fsl_keras.models.episodic import EpisodicModel


class ItemMemoryModel(EpisodicModel):
    """Base of the learners that keep the items of a support set, and learn from them.

    Their memory is `{"support": [T, S, *item], "labels": [T, S, N]}`.
    """

    memory_holds_features = True

    def remember(self, support, support_labels):
        """Returns `{"support": [T, S, *item], "labels": [T, S, N]}`."""
        support = ops.convert_to_tensor(support)
        return {"support": support, "labels": ops.convert_to_tensor(support_labels)}

    def merge(self, memory, more):
        """Puts the examples of two memories over the same classes together."""
        return {
            name: ops.concatenate([memory[name], more[name]], axis=1) for name in memory
        }

    def widen(self, memory, ways):
        """Adds classes without examples to a memory until it has `ways` of them."""
        more = ways - memory["labels"].shape[2]
        labels = ops.pad(memory["labels"], ((0, 0), (0, 0), (0, more)))
        return {**memory, "labels": labels}

    def select(self, memory, classes):
        """Keeps the given classes of a memory, and their examples alone."""
        labels = ops.take(memory["labels"], classes, axis=2)
        return with_examples_alone({"support": memory["support"], "labels": labels})
