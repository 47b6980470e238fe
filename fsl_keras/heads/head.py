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
    state to the bit), `"refit"` (prepared again from memory) or `"fixed_ways"`. It
    sets `kind` to `"transductive"` where the answer to a query depends on the other
    queries, and `embedding_rank` to 3 where it takes feature maps `[h, w, D]` and not
    vectors. Weights whose shape depends on the embedding are made in `build`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`, zeros at padding.
        query: float embeddings `[T, M, D]`.
        query_mask: optional bool `[T, M]`, False at padding; of use to transductive
            heads alone.
        training: bool, whether the learner is being trained.

    Returns:
        float32 logits `[T, M, N]`.
    """

    incremental = "exact"
    kind = "inductive"
    embedding_rank = 1
    class_axes: dict = {}
    # Whether the memory is the embeddings of all examples, its `"support"`.
    memory_holds_features = False

    def __init__(self, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the weights for embeddings of a shape `[T, S, D]`."""
        del support_shape, support_labels_shape, query_shape

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
            if name not in self.class_axes:
                return value
            axis = self.class_axes[name]
            shape = list(value.shape)
            shape[axis] = ways - shape[axis]
            return ops.concatenate([value, ops.zeros(shape, value.dtype)], axis=axis)

        return {name: pad(name, value) for name, value in memory.items()}

    def select(self, memory, classes):
        """Keeps the classes of a memory whose numbers are given, in that order."""

        def take(name, value):
            if name not in self.class_axes:
                return value
            return ops.take(value, classes, axis=self.class_axes[name])

        return {name: take(name, value) for name, value in memory.items()}

    def call(self, support, support_labels, query, query_mask=None, training=None):
        del query_mask, training
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query)

    def check_embeddings(self, shape):
        """Refuses embeddings of another rank than the head takes.

        Args:
            shape: the shape of one embedding, without batch.
        """
        if len(shape) != self.embedding_rank:
            wanted, mend = (
                ("vectors [D]", "end the backbone with a pooling or `Flatten` layer")
                if self.embedding_rank == 1
                else ("feature maps [h, w, D]", "make the backbone with `pooling=None`")
            )
            raise ValueError(
                f"{type(self).__name__} takes {wanted} for embeddings, one an item. "
                f"Received embeddings of shape {tuple(shape)}: {mend}."
            )

    def compute_output_shape(
        self, support_shape, support_labels_shape, query_shape, query_mask_shape=None
    ):
        del support_shape, query_mask_shape
        return (*query_shape[:2], support_labels_shape[2])

    def compute_output_spec(
        self, support, support_labels, query, query_mask=None, training=None
    ):
        del query_mask, training
        self.check_embeddings(support.shape[2:])
        shape = self.compute_output_shape(
            support.shape, support_labels.shape, query.shape
        )
        return keras.KerasTensor(shape, "float32")
