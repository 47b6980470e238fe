"""The base of heads that classify the queries of an episode together."""

from typing import Any

from keras import ops

from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.support import presence
from fsl_keras.typing import Tensor


class TransductiveHead(ExampleHead):
    """Base of the heads whose prediction for a query depends on the other queries.

    A transductive head uses the queries as unlabeled data and classifies all queries
    of an episode together. It is for evaluation only: a deployed classifier predicts
    each item on its own, so `adapt` rejects it. Compare transductive results with
    transductive results, and consider `prior`: standard episodes have equally many
    queries per class, and heads that assume this benefit from it.
    `fsl_keras.episodes.DirichletQueries` samples episodes with imbalanced queries.

    Subclasses implement `infer`. They set `prior` to the class distribution of the
    queries that they assume: `"uniform"`, `"support"` (that of the examples),
    `"flexible"` (uniform, unless the queries indicate otherwise) or `"none"`. If
    `end_to_end` is False, the head works on frozen embeddings, and no gradient reaches
    them.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`, zeros at padding.
        query: float embeddings `[T, M, D]`.
        query_mask: optional bool `[T, M]`, False at padding, which does not affect the
            predictions of the other queries.
        training: bool.

    Returns:
        float32 logits `[T, M, N]`.

    Raises:
        ValueError: in training, if the head works on frozen embeddings.
    """

    incremental = "refit"
    kind = "transductive"
    prior = "none"
    end_to_end = False

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Classifies the queries of each task together.

        Args:
            support: float32 `[T, S, D]`.
            labels: one-hot float32 `[T, S, N]`, zeros at padding.
            query: float32 `[T, M, D]`.
            mask: float32 `[T, M]`, 0 at padding.

        Returns:
            Logits `[T, M, N]`; those of absent classes are ignored.
        """
        raise NotImplementedError

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the memory as it is: the computation needs the queries."""
        return memory

    def score(
        self,
        state: dict[str, Tensor],
        query: Tensor,
        query_mask: Tensor | None = None,
    ) -> Tensor:
        """Returns the logits `[T, M, N]` of all queries of each task.

        Args:
            state: dictionary that `prepare` returns.
            query: embeddings `[T, M, D]`.
            query_mask: optional bool `[T, M]`, False at padding.
        """
        support, labels = state["support"], state["labels"]
        query = ops.cast(query, "float32")
        if query_mask is None:
            query_mask = ops.ones(ops.shape(query)[:2])
        if not self.end_to_end:
            support, query = ops.stop_gradient(support), ops.stop_gradient(query)
        logits = self.infer(support, labels, query, ops.cast(query_mask, "float32"))
        return self.mask_absent(logits, presence(labels))

    def call(
        self,
        support: Tensor,
        support_labels: Tensor,
        query: Tensor,
        query_mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        if training and not self.end_to_end:
            raise ValueError(
                f"{type(self).__name__} works on frozen embeddings and cannot train a "
                f"backbone. Train the backbone under an inductive head, such as "
                f"`fsl_keras.heads.PrototypeHead()`, then evaluate it under this one."
            )
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query, query_mask)
