"""A linear classifier fine-tuned on examples and queries."""

import keras
from keras import ops

from fsl_keras.heads.adam import adam
from fsl_keras.heads.tim import entropy_slope, mean_shares, through_softmax
from fsl_keras.heads.transductive import (
    TransductiveHead,
    probabilities,
    weighted_means,
)


@keras.saving.register_keras_serializable(package="fsl_keras")
class TransductiveFinetuningHead(TransductiveHead):
    """Fine-tunes a linear classifier until the queries are classified surely.

    It begins with the mean embedding of each class, at unit length, for weights and
    no bias. Adam then lowers the cross-entropy of the examples plus the mean
    Shannon entropy of the queries' probabilities. Embeddings are scaled to unit
    length. It assumes nothing about how often classes occur among the queries
    (`prior` is `"none"`).

    Steps and rate are the paper's, which fine-tunes the whole network with them.
    Here the embedding stays as it is and the classifier alone moves, a little away
    from nearest prototypes. More steps or larger ones do no good: low entropy is
    soonest reached by giving up classes, against which `TIMHead` has a term.

    Reference:

    - [Dhillon et al., 2020](https://arxiv.org/abs/1909.02729)

    Args:
        steps: integer, steps of Adam.
        learning_rate: float.
        temperature: float, the factor of the cosines that logits begin with.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = TransductiveFinetuningHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    def __init__(self, steps=25, learning_rate=5e-5, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        self.steps = steps
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.built = True

    def infer(self, support, labels, query, mask):
        """Returns the logits of the fine-tuned classifier."""
        support, query = (with_one(ops.normalize(x, axis=-1)) for x in (support, query))
        items = ops.concatenate([support, query], axis=1)
        places = ops.shape(support)[1]
        is_example = ops.max(labels, axis=-1, keepdims=True)
        example_share, query_share = (
            mean_shares(is_example),
            mean_shares(mask[..., None]),
        )

        def slope(weights):
            p = probabilities(self.logits(items, weights), labels)
            of_support = example_share * (p[:, :places] - labels)
            p = p[:, places:]
            of_query = query_share * through_softmax(entropy_slope(p), p)
            of_logits = ops.concatenate([of_support, of_query], axis=1)
            pull = ops.matmul(ops.swapaxes(of_logits, 1, 2), items)
            return self.temperature * pull

        means = ops.normalize(weighted_means(support[..., :-1], labels), axis=-1)
        start = ops.concatenate([means, ops.zeros_like(means[..., :1])], axis=-1)
        weights = adam(slope, start, self.steps, self.learning_rate)
        return self.logits(query, weights)

    def logits(self, items, weights):
        """Returns the logits `[T, M, N]` of items that end with a 1, for the bias."""
        return self.temperature * ops.matmul(items, ops.swapaxes(weights, 1, 2))

    def get_config(self):
        return {
            **super().get_config(),
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "temperature": self.temperature,
        }


def with_one(vectors):
    """Appends a 1 to each vector, so that a bias is one more weight."""
    return ops.concatenate([vectors, ops.ones_like(vectors[..., :1])], axis=-1)
