"""Heads that keep the embedding of every example."""

from keras import ops

from fsl_keras.heads.head import Head


class ExampleHead(Head):
    """Base of the heads whose memory is the embedded support set itself.

    Its memory is `{"support": [T, S, *embedding], "labels": [T, S, N]}`. A subclass
    writes `prepare` and `score`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.
    """

    class_axes = {"labels": 2}

    def remember(self, support, support_labels):
        """Returns `{"support": [T, S, *embedding], "labels": [T, S, N]}`."""
        return {
            "support": ops.cast(support, "float32"),
            "labels": ops.cast(support_labels, "float32"),
        }

    def merge(self, memory, more):
        """Puts the examples of two memories over the same classes together."""
        return {
            name: ops.concatenate([memory[name], more[name]], axis=1) for name in memory
        }

    def select(self, memory, classes):
        """Keeps some classes; the embeddings of the others' examples are blanked."""
        kept = super().select(memory, classes)
        is_kept = ops.max(kept["labels"], axis=-1)
        ones = (1,) * (len(kept["support"].shape) - 2)
        is_kept = ops.reshape(is_kept, (*ops.shape(is_kept), *ones))
        return {**kept, "support": kept["support"] * is_kept}


def presence(labels):
    """Returns which classes have an example: float32 `[T, N]` of `[T, S, N]`."""
    return ops.max(labels, axis=1)
