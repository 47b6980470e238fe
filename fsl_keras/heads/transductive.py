"""Heads that classify the queries of an episode together."""

from keras import ops

from fsl_keras.heads.examples import ExampleHead, presence
from fsl_keras.heads.head import ABSENT


class TransductiveHead(ExampleHead):
    """Base of the heads whose answer to a query depends on the other queries.

    To such a head the queries are data too: it classifies all of an episode at once.
    It serves evaluation only, since a deployed classifier answers for one item the
    same whatever comes with it: `adapt` refuses it. Compare transductive results
    with transductive ones, and mind `prior`: the usual episodes have equally many
    queries of each class, which a head that takes this for granted profits from.
    `fsl_keras.episodes.DirichletQueries` draws episodes where it is not so.

    A subclass writes `infer`, and says in `prior` what it assumes about how often
    classes occur among the queries: `"uniform"` (all equally often), `"support"` (as
    among the examples), `"flexible"` (it leans to equally often, and the queries
    may say otherwise) or `"none"`. Where `end_to_end` is False, the head works on
    frozen embeddings: no gradient reaches them.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`, zeros at padding.
        query: float embeddings `[T, M, D]`.
        query_mask: optional bool `[T, M]`, False at padding, which then has no
            influence on the answers to the other queries.
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

    def infer(self, support, labels, query, mask):
        """Classifies the queries of each task together.

        Args:
            support: float32 `[T, S, D]`.
            labels: float32 one-hot `[T, S, N]`, zeros at padding.
            query: float32 `[T, M, D]`.
            mask: float32 `[T, M]`, 0 at padding.

        Returns:
            Logits `[T, M, N]`; those of absent classes do not matter.
        """
        raise NotImplementedError

    def prepare(self, memory):
        """Returns the memory as it is: the work begins when the queries come."""
        return memory

    def score(self, state, query, query_mask=None):
        """Returns the logits `[T, M, N]` of queries that inform each other.

        Args:
            state: what `prepare` returns.
            query: embeddings `[T, M, D]`, all the queries of each task.
            query_mask: optional bool `[T, M]`, False at padding.
        """
        support, labels = state["support"], state["labels"]
        query = ops.cast(query, "float32")
        if query_mask is None:
            query_mask = ops.ones(ops.shape(query)[:2])
        if not self.end_to_end:
            support, query = ops.stop_gradient(support), ops.stop_gradient(query)
        logits = self.infer(support, labels, query, ops.cast(query_mask, "float32"))
        return among_present(logits, labels)

    def call(self, support, support_labels, query, query_mask=None, training=None):
        if training and not self.end_to_end:
            raise ValueError(
                f"{type(self).__name__} works on frozen embeddings and trains no "
                f"backbone. Train the backbone under an inductive head, such as "
                f"`fsl_keras.heads.PrototypeHead()`, then evaluate it under this one."
            )
        memory = self.remember(support, support_labels)
        return self.score(self.prepare(memory), query, query_mask)


def among_present(logits, labels):
    """Makes classes without an example impossible: logits `[T, M, N]`."""
    return ops.where(presence(labels)[:, None, :] > 0, logits, ABSENT)


def probabilities(logits, labels):
    """Returns the softmax `[T, M, N]` over the classes that have an example."""
    # Keras's softmax warns of a single class.
    return ops.exp(ops.log_softmax(among_present(logits, labels), axis=-1))


def weighted_means(vectors, weights):
    """Returns the mean vector of each class, zeros where all weights are zero.

    Args:
        vectors: float32 `[T, S, D]`.
        weights: float32 `[T, S, N]`, how much a vector counts for a class.
    """
    totals = ops.sum(weights, axis=1)[..., None]
    sums = ops.matmul(ops.swapaxes(weights, 1, 2), vectors)
    return sums / ops.where(totals > 0, totals, 1.0)
