"""Prototypes that are adapted to one another by attention."""

import keras
from keras import layers, ops

from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.prototype import PrototypeHead, squared_distances


@keras.saving.register_keras_serializable(package="fsl_keras")
class FEATHead(PrototypeHead):
    """Scores a query by its distance to prototypes that know of each other.

    One layer of a transformer (attention, what came in added, layer normalization)
    maps the set of prototypes to prototypes of this task: what tells just these
    classes apart. Logits are negative squared distances, divided by a fixed
    temperature. Memory is that of `PrototypeHead`; a class that arrives later moves
    the prototypes of all others.

    Reference:

    - [Ye et al., 2020](https://arxiv.org/abs/1812.03664)

    Args:
        key_dim: integer, the length of keys, queries and values of the attention;
            the length of the embeddings in the paper, which `models.FEAT` takes.
        heads: integer, the heads of the attention.
        dropout: float, the share of what the attention adds that is dropped in
            training.
        temperature: float above 0, which divides squared distances.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.
        training: bool, whether there is dropout.

    Raises:
        ValueError: if the temperature is not above 0.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 1.0], [2.0, 0.0], [5.0, 3.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> np.asarray(FEATHead(key_dim=2)(support, labels, support)).shape
    (1, 3, 2)
    """

    incremental = "refit"

    def __init__(self, key_dim, heads=1, dropout=0.5, temperature=64.0, **kwargs):
        super().__init__(temperature=temperature, **kwargs)
        if not temperature > 0:
            raise ValueError(
                f"`temperature` divides distances and must be above 0; the paper's "
                f"code has 64.0. Received: temperature={temperature!r}"
            )
        self.key_dim = key_dim
        self.heads = heads
        self.dropout = dropout
        self.transform = _SetTransform(key_dim, heads, dropout, name="transform")
        self.built = False

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the weights for embeddings of a shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        self.transform.build((None, None, support_shape[-1]))

    def prepare(self, memory):
        """Returns `{"prototypes": [T, N, D], "present": [T, N]}`."""
        state = super().prepare(memory)
        seen = state["present"][:, None, :] > 0
        return {**state, "prototypes": self.transform(state["prototypes"], seen)}

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        logits = -squared_distances(query, state["prototypes"]) / self.temperature
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def contrast(self, items, labels, training=False):
        """Scores labelled items by the centre of their own class, and of the others.

        Each class is adapted as a set of its own, and its centre is the mean of what
        comes out. To tell items apart by these centres is the paper's further task
        in training.

        Args:
            items: embeddings `[T, L, D]`, of support and query.
            labels: one-hot float32 `[T, L, N]`, zeros at padding.
            training: bool, whether there is dropout.

        Returns:
            float32 logits `[T, L, N]`.
        """
        items = ops.cast(items, "float32")
        same_class = ops.matmul(labels, ops.swapaxes(labels, 1, 2)) > 0
        adapted = self.transform(items, same_class, training=training)
        centres = super().prepare(self.remember(adapted, labels))
        return self.score(centres, items)

    def get_config(self):
        config = super().get_config()
        del config["distance"]
        return {
            **config,
            "key_dim": self.key_dim,
            "heads": self.heads,
            "dropout": self.dropout,
        }


class _SetTransform(layers.Layer):
    """One layer of a transformer, which adapts the vectors of a set to one another.

    Args:
        key_dim: integer, the length of keys, queries and values.
        heads: integer.
        dropout: float.
        **kwargs: the `name` of the layer.

    Call arguments:
        vectors: float32 `[T, N, D]`.
        seen: bool `[T, 1 or N, N]`, which vectors each of them sees.
        training: bool, whether there is dropout.
    """

    def __init__(self, key_dim, heads, dropout, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.attention = layers.MultiHeadAttention(
            heads, key_dim, dtype="float32", name="attention"
        )
        self.drop = layers.Dropout(dropout, dtype="float32", name="drop")
        self.norm = layers.LayerNormalization(
            epsilon=1e-5, dtype="float32", name="norm"
        )

    def build(self, vectors_shape, seen_shape=None):
        del seen_shape
        self.attention.build(vectors_shape, vectors_shape)
        self.norm.build(vectors_shape)

    def call(self, vectors, seen, training=None):
        added = self.attention(vectors, vectors, attention_mask=seen)
        return self.norm(vectors + self.drop(added, training=training))
