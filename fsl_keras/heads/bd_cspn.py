"""Prototypes rectified by the queries."""

import keras
from keras import ops

from fsl_keras.heads.transductive import (
    TransductiveHead,
    among_present,
    probabilities,
    weighted_means,
)


@keras.saving.register_keras_serializable(package="fsl_keras")
class BDCSPNHead(TransductiveHead):
    """Scores queries by cosine to prototypes that are rectified by the queries.

    Two biases of a mean over few examples are diminished. The queries are moved so
    that their mean is that of the examples; then each takes the class of the nearest
    prototype for its own, and the prototypes are taken anew as means of examples and
    queries, each weighted by its probability, the softmax over classes of
    `temperature * cosine` to the old prototypes. Embeddings are scaled to unit length
    first.

    Setting both means equal assumes that classes occur among the queries as often as
    among the examples (`prior` is `"support"`).

    The paper rectifies with the most confident queries; here, as in the reference
    implementations of LaplacianShot and alpha-TIM, which compare with this method,
    all of them are used and probabilities are weights.

    Reference:

    - [Liu et al., 2020](https://arxiv.org/abs/1911.10713)

    Args:
        temperature: float, the factor of cosines; 10 in the paper.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = BDCSPNHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    prior = "support"

    def __init__(self, temperature=10.0, **kwargs):
        super().__init__(**kwargs)
        self.temperature = temperature
        self.built = True

    def infer(self, support, labels, query, mask):
        """Returns the cosines to the rectified prototypes, times the temperature."""
        prototypes, query = rectify(support, labels, query, mask, self.temperature)
        return self.temperature * cosines(query, prototypes)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


def rectify(support, labels, query, mask, temperature=10.0):
    """Diminishes the bias of prototypes by the queries.

    Args:
        support: float32 `[T, S, D]`.
        labels: float32 one-hot `[T, S, N]`, zeros at padding.
        query: float32 `[T, M, D]`.
        mask: float32 `[T, M]`, 0 at padding.
        temperature: float.

    Returns:
        The rectified prototypes `[T, N, D]` and the queries at unit length, moved to
        the mean of the examples.
    """
    support, query = (ops.normalize(x, axis=-1) for x in (support, query))
    is_real = ops.max(labels, axis=-1, keepdims=True)
    shift = weighted_means(support, is_real) - weighted_means(query, mask[..., None])
    query = query + shift
    items = ops.concatenate([support, query], axis=1)
    similarity = temperature * cosines(items, weighted_means(support, labels))
    of_queries = similarity[:, ops.shape(support)[1] :]
    guesses = ops.argmax(among_present(of_queries, labels), axis=-1)
    guesses = ops.one_hot(guesses, ops.shape(labels)[2]) * mask[..., None]
    own = ops.concatenate([labels, guesses], axis=1)
    return weighted_means(items, own * probabilities(similarity, labels)), query


def cosines(a, b):
    """Returns the cosines `[T, M, N]` of vectors `[T, M, D]` and `[T, N, D]`."""
    a, b = ops.normalize(a, axis=-1), ops.normalize(b, axis=-1)
    return ops.matmul(a, ops.swapaxes(b, 1, 2))
