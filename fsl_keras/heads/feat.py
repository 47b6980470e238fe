"""Prototypes that self-attention adapts to the task."""

from typing import Any

import keras
from keras import layers, ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.sums import MeanHead
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(heads="num_heads")
class FEATHead(MeanHead):
    """Scores a query by its distance to prototypes adapted by self-attention.

    One transformer layer (self-attention, residual connection, layer normalization)
    adapts the prototypes of a task to one another. Logits are negative squared
    distances divided by a fixed temperature. The memory is that of `PrototypeHead`;
    adding a class changes the adapted prototypes of all others.

    Reference:

    - [Ye et al., 2020](https://arxiv.org/abs/1812.03664)

    Args:
        key_dim: integer, the size of keys, queries and values of the attention. In the
            paper, and in `models.FEAT`, it is the length of the embeddings.
        num_heads: integer, the number of attention heads.
        dropout: float, the dropout rate of the attention output.
        temperature: float above 0, by which squared distances are divided.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.
        training: bool, whether to apply dropout.

    Raises:
        ValueError: if `temperature` is not above 0.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 1.0], [2.0, 0.0], [5.0, 3.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> np.asarray(FEATHead(key_dim=2)(support, labels, support)).shape
    (1, 3, 2)
    """

    incremental = "refit"

    def __init__(
        self,
        key_dim: int,
        num_heads: int = 1,
        dropout: float = 0.5,
        temperature: float = 64.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(
                f"`temperature` divides distances and must be above 0, such as 64.0 in "
                f"the paper's code. Received: temperature={temperature!r}"
            )
        self.key_dim = key_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.temperature = temperature
        self.transform = _SetTransform(key_dim, num_heads, dropout, name="transform")

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights for embeddings of shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        self.transform.build((None, None, support_shape[-1]))

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"prototypes": [T, N, D], "present": [T, N]}`."""
        state = super().prepare(memory)
        mask = state["present"][:, None, :] > 0
        return {**state, "prototypes": self.transform(state["prototypes"], mask)}

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        logits = -squared_distances(query, state["prototypes"]) / self.temperature
        return self.mask_absent(logits, state["present"])

    def contrast(self, items: Tensor, labels: Tensor, training: bool = False) -> Tensor:
        """Returns the logits of the paper's auxiliary loss.

        The items of each class are adapted as a set of their own, and their mean is
        the center of the class. Logits are distances of items to these centers.

        Args:
            items: embeddings `[T, L, D]`, of support and query.
            labels: one-hot float32 `[T, L, N]`, zeros at padding.
            training: bool, whether to apply dropout.

        Returns:
            float32 logits `[T, L, N]`.
        """
        items = ops.cast(items, "float32")
        same_class = ops.matmul(labels, ops.swapaxes(labels, 1, 2)) > 0
        adapted = self.transform(items, same_class, training=training)
        centers = super().prepare(self.remember(adapted, labels))
        return self.score(centers, items)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "key_dim": self.key_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "temperature": self.temperature,
        }


class _SetTransform(layers.Layer):
    """One transformer layer, which adapts the vectors of a set to one another.

    Args:
        key_dim: integer, the size of keys, queries and values.
        num_heads: integer.
        dropout: float.
        **kwargs: the `name` of the layer.

    Call arguments:
        vectors: float32 `[T, N, D]`.
        attention_mask: bool `[T, 1 or N, N]`, the vectors that each one attends to.
        training: bool, whether to apply dropout.
    """

    def __init__(self, key_dim, num_heads, dropout, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.attention = layers.MultiHeadAttention(
            num_heads, key_dim, dtype="float32", name="attention"
        )
        self.drop = layers.Dropout(dropout, dtype="float32", name="drop")
        self.norm = layers.LayerNormalization(
            epsilon=1e-5, dtype="float32", name="norm"
        )

    def build(self, vectors_shape, attention_mask_shape=None):
        del attention_mask_shape
        self.attention.build(vectors_shape, vectors_shape)
        self.norm.build(vectors_shape)

    def call(self, vectors, attention_mask, training=None):
        added = self.attention(vectors, vectors, attention_mask=attention_mask)
        return self.norm(vectors + self.drop(added, training=training))
