"""Prototypes rectified by the queries."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.support import presence, probabilities, weighted_means
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class BDCSPNHead(TransductiveHead):
    """Scores queries by cosine similarity to prototypes rectified by the queries.

    It reduces two biases of a mean over few examples. First, the queries are shifted so
    that their mean equals that of the examples. Then each query is assigned to the
    nearest prototype, and the prototypes are recomputed as means of examples and
    queries, each weighted by its probability: the softmax over classes of
    `scale * cosine` to the initial prototypes. Embeddings are scaled to unit length
    first.

    Equal means presuppose that classes are as frequent among the queries as among the
    examples (`prior` is `"support"`).

    The paper rectifies with the most confident queries. Here all of them are used,
    weighted by probability, as in the reference implementations of LaplacianShot and
    alpha-TIM, which compare with this method.

    Reference:

    - [Liu et al., 2020](https://arxiv.org/abs/1911.10713)

    Args:
        scale: float, the factor of cosine similarities; 10 in the paper.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = BDCSPNHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    prior = "support"

    def __init__(self, scale: float = 10.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the scaled cosine similarities to the rectified prototypes."""
        prototypes, query = rectify(support, labels, query, mask, self.scale)
        return self.scale * cosines(query, prototypes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def rectify(
    support: Tensor, labels: Tensor, query: Tensor, mask: Tensor, scale: float = 10.0
) -> tuple[Tensor, Tensor]:
    """Reduces the bias of prototypes with the queries.

    Args:
        support: float32 `[T, S, D]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding.
        query: float32 `[T, M, D]`.
        mask: float32 `[T, M]`, 0 at padding.
        scale: float.

    Returns:
        The rectified prototypes `[T, N, D]`, and the queries at unit length, shifted to
        the mean of the examples.
    """
    support, query = to_unit_length(support), to_unit_length(query)
    is_real = ops.max(labels, axis=-1, keepdims=True)
    shift = weighted_means(support, is_real) - weighted_means(query, mask[..., None])
    query = query + shift
    items = ops.concatenate([support, query], axis=1)
    similarity = scale * cosines(items, weighted_means(support, labels))
    of_queries = similarity[:, ops.shape(support)[1] :]
    of_queries = TransductiveHead.mask_absent(of_queries, presence(labels))
    guesses = ops.one_hot(ops.argmax(of_queries, axis=-1), ops.shape(labels)[2])
    own = ops.concatenate([labels, guesses * mask[..., None]], axis=1)
    return weighted_means(items, own * probabilities(similarity, labels)), query


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Returns the cosines `[T, M, N]` of vectors `[T, M, D]` and `[T, N, D]`."""
    return ops.matmul(to_unit_length(a), ops.swapaxes(to_unit_length(b), 1, 2))
