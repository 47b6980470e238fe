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
    memory_holds_features = True

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
        """Keeps some classes, and their examples alone."""
        return with_examples_alone(super().select(memory, classes))


def balanced_weights(labels):
    """Returns how much each example counts, for all classes to count the same.

    Args:
        labels: float32 one-hot `[T, S, N]`, zeros at padding.

    Returns:
        Float32 `[T, S, 1]`: the number of examples over the number of classes times
        the number of examples of the class. It is exactly 1 where classes have
        equally many examples, and 0 at padding.
    """
    counts = ops.sum(labels, axis=1, keepdims=True)
    total = ops.sum(counts, axis=-1, keepdims=True)
    classes = ops.sum(ops.cast(counts > 0, "float32"), axis=-1, keepdims=True)
    of_class = total / ops.maximum(classes * counts, 1.0)
    return ops.sum(labels * of_class, axis=-1, keepdims=True)


def with_examples_alone(memory):
    """Drops the rows of a memory `{"support", "labels"}` that have no label."""
    labels = ops.convert_to_numpy(memory["labels"])
    rows = labels.max(axis=(0, 2)).nonzero()[0]
    return {name: ops.take(value, rows, axis=1) for name, value in memory.items()}


def presence(labels):
    """Returns which classes have an example: float32 `[T, N]` of `[T, S, N]`."""
    return ops.max(labels, axis=1)
