"""What all heads share: remember, prepare, score."""

import keras
from keras import ops

# The logit of a class that takes no part: far below any other, yet finite, so that
# no softmax or loss turns into NaN.
ABSENT = -1e9


class Head(keras.layers.Layer):
    """Base of the layers that classify embeddings by a few examples.

    A head is three pure functions. `remember` condenses the support set into a
    memory, `prepare` turns a memory into the state that classifies, and `score`
    gives the logits of queries. Memories are dictionaries of float32 tensors with a
    leading axis of tasks; `class_axes` names the axis of each that runs over
    classes. Heads compute in float32 under every mixed precision policy.

    A subclass writes `remember`, `prepare` and `score`, and sets `incremental` to
    what it can do with classes that arrive later: `"exact"` (old classes keep their
    state to the bit), `"refit"` (prepared again from memory) or `"fixed_ways"`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.
    """

    incremental = "exact"
    class_axes = {}

    def __init__(self, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def remember(self, support, support_labels):
        """Condenses a support set.

        Args:
            support: embeddings `[T, S, D]`.
            support_labels: one-hot `[T, S, N]`, zeros at padding.

        Returns:
            The memory, a dictionary of tensors `[T, ...]`.
        """
        raise NotImplementedError

    def prepare(self, memory):
        """Turns a memory into the state that classifies, a dictionary of tensors."""
        raise NotImplementedError

    def score(self, state, query):
        """Scores queries: state and embeddings `[T, M, D]` to logits `[T, M, N]`."""
        raise NotImplementedError

    def merge(self, memory, more):
        """Joins the memories of two support sets over the same classes."""
        raise NotImplementedError

    def widen(self, memory, ways):
        """Adds classes without examples to a memory until it has `ways` of them."""

        def pad(name, value):
            axis = self.class_axes[name]
            shape = list(value.shape)
            shape[axis] = ways - shape[axis]
            return ops.concatenate([value, ops.zeros(shape, value.dtype)], axis=axis)

        return {name: pad(name, value) for name, value in memory.items()}

    def select(self, memory, classes):
        """Keeps the classes of a memory whose numbers are given, in that order."""
        return {
            name: ops.take(value, classes, axis=self.class_axes[name])
            for name, value in memory.items()
        }

    def call(self, support, support_labels, query):
        """Scores queries by a support set, all of them embeddings."""
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query)

    def compute_output_shape(self, support, support_labels, query):
        del support
        return (*query[:2], support_labels[2])

    def compute_output_spec(self, support, support_labels, query):
        shape = self.compute_output_shape(
            support.shape, support_labels.shape, query.shape
        )
        return keras.KerasTensor(shape, "float32")
