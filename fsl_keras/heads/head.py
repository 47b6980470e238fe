"""The base of all heads: remember, prepare, score."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Shape, Tensor

# The logit of a class without examples: far below any other, yet finite, so that
# neither the softmax nor a loss becomes NaN.
ABSENT = -1e9


class Head(keras.layers.Layer):
    """Base of the layers that classify embeddings by a few labeled examples.

    A head is three pure functions. `remember` condenses the support set into a
    memory, `prepare` turns a memory into the state that classifies, and `score`
    returns the logits of queries. Memories are dictionaries of float tensors with a
    leading axis of tasks; `class_axes` gives the axis of each tensor that runs over
    classes. Heads compute in float32 under every mixed precision policy.

    Subclasses implement `remember`, `prepare` and `score`, where `score` passes its
    logits through `mask_absent`. They set

    - `incremental` to what happens when classes are added later: `"exact"` (the state
      of old classes stays bit-identical), `"refit"` (the state is prepared again from
      memory) or `"fixed_ways"`,
    - `kind` to `"transductive"` if the prediction for a query depends on the other
      queries,
    - `embedding_rank` to 3 if the head takes feature maps `[h, w, D]` instead of
      vectors,
    - `forgets_classes` to False if `select` cannot leave classes out, as the memory has
      sums over all classes.

    Weights whose shape depends on the embedding are created in `build`.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`, zeros at padding.
        query: float embeddings `[T, M, D]`.
        query_mask: optional bool `[T, M]`, False at padding. Only transductive heads
            use it.
        training: bool, whether the learner is being trained.

    Returns:
        float32 logits `[T, M, N]`.
    """

    incremental = "exact"
    kind = "inductive"
    embedding_rank = 1
    class_axes: dict[str, int] = {}
    # Whether the memory holds the embeddings of all examples, as `"support"`.
    memory_holds_features = False
    forgets_classes = True
    # Whether a row of `support_labels` may be one-hot times the weight of its example.
    weighs_examples = False
    # The tensors of the memory that `restore` computes from the state, so that a
    # classifier need not store both.
    restored: tuple[str, ...] = ()

    @property
    def appends_classes(self) -> bool:
        """Whether memory and state of new classes are appended to those of others.

        So it is if the state of a class does not depend on other classes, and all
        tensors of memory and state run over classes on their axis 1.
        """
        return self.incremental == "exact" and set(self.class_axes.values()) == {1}

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights for embeddings of shape `[T, S, D]`."""
        del support_shape, support_labels_shape, query_shape

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Condenses a support set.

        Args:
            support: embeddings `[T, S, D]`.
            support_labels: one-hot `[T, S, N]`, zeros at padding.

        Returns:
            The memory, a dictionary of tensors `[T, ...]`.
        """
        raise NotImplementedError

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Turns a memory into the state that classifies, a dictionary of tensors."""
        raise NotImplementedError

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        raise NotImplementedError

    def restore(
        self, memory: dict[str, Tensor], state: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns the whole memory, given it without the tensors named `restored`."""
        del state
        return memory

    def merge(
        self, memory: dict[str, Tensor], more: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Merges the memories of two support sets over the same classes."""
        raise NotImplementedError

    def widen(self, memory: dict[str, Tensor], ways: int) -> dict[str, Tensor]:
        """Adds classes without examples to a memory, up to `ways` classes."""

        def pad(name, value):
            if name not in self.class_axes:
                return value
            axis = self.class_axes[name]
            shape = list(value.shape)
            shape[axis] = ways - shape[axis]
            return ops.concatenate([value, ops.zeros(shape, value.dtype)], axis=axis)

        return {name: pad(name, value) for name, value in memory.items()}

    def select(self, memory: dict[str, Tensor], classes: Tensor) -> dict[str, Tensor]:
        """Keeps the classes of a memory with the given indices, in that order."""

        def take(name, value):
            if name not in self.class_axes:
                return value
            return ops.take(value, classes, axis=self.class_axes[name])

        return {name: take(name, value) for name, value in memory.items()}

    @staticmethod
    def mask_absent(logits: Tensor, present: Tensor) -> Tensor:
        """Sets the logits of classes without examples to -1e9.

        Args:
            logits: float32 `[T, M, N]`.
            present: float32 `[T, N]`, 0 for classes without examples.

        Returns:
            float32 `[T, M, N]`.
        """
        return ops.where(present[:, None, :] > 0, logits, ABSENT)

    def call(
        self,
        support: Tensor,
        support_labels: Tensor,
        query: Tensor,
        query_mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        del query_mask, training
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query)

    def check_embeddings(self, shape: Shape) -> None:
        """Raises a `ValueError` if the head does not take embeddings of a shape.

        Args:
            shape: tuple, the shape of one embedding, without batch.
        """
        if len(shape) != self.embedding_rank:
            expected, fix = (
                ("vectors [D]", "end the backbone with a pooling or `Flatten` layer")
                if self.embedding_rank == 1
                else ("feature maps [h, w, D]", "make the backbone with `pooling=None`")
            )
            raise ValueError(
                f"{type(self).__name__} takes {expected} as embeddings, one per item. "
                f"Received embeddings of shape {tuple(shape)}: {fix}."
            )

    def compute_output_shape(
        self,
        support_shape: Shape,
        support_labels_shape: Shape,
        query_shape: Shape,
        query_mask_shape: Shape | None = None,
    ) -> Shape:
        del support_shape, query_mask_shape
        return (*query_shape[:2], support_labels_shape[2])

    def compute_output_spec(
        self,
        support: Tensor,
        support_labels: Tensor,
        query: Tensor,
        query_mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        del query_mask, training
        self.check_embeddings(support.shape[2:])
        shape = self.compute_output_shape(
            support.shape, support_labels.shape, query.shape
        )
        return keras.KerasTensor(shape, "float32")


def is_absent(logits: Tensor) -> Tensor:
    """Returns a bool tensor: which logits are those of classes without examples.

    It holds for logits that were averaged or scaled as well.
    """
    return logits < ABSENT / 10
