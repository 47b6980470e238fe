"""A linear classifier fine-tuned on examples and queries."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.adam import adam
from fsl_keras.heads.support import probabilities, weighted_means, with_ones
from fsl_keras.heads.tim import entropy_gradient, mean_weights, through_softmax
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class TransductiveFinetuningHead(TransductiveHead):
    """Fine-tunes a linear classifier to predict the queries with low entropy.

    The initial weights are the mean embeddings of the classes at unit length, without
    bias. Adam then minimizes the cross-entropy of the examples plus the mean Shannon
    entropy of the probabilities of the queries. Embeddings are scaled to unit length.
    It assumes nothing about the class distribution of the queries (`prior` is
    `"none"`).

    Steps and learning rate are those of the paper, which fine-tunes the whole network.
    Here the embedding is frozen and only the classifier changes, slightly, from
    nearest prototypes. More or larger steps do not help: predicting fewer classes is
    the fastest way to a low entropy. `TIMHead` has a term against that.

    Reference:

    - [Dhillon et al., 2020](https://arxiv.org/abs/1909.02729)

    Args:
        steps: integer, steps of Adam.
        learning_rate: float.
        scale: float, the factor of the logits.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = TransductiveFinetuningHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    def __init__(
        self,
        steps: int = 25,
        learning_rate: float = 5e-5,
        scale: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.steps = steps
        self.learning_rate = learning_rate
        self.scale = scale

    def infer(
        self, support: Tensor, labels: Tensor, query: Tensor, mask: Tensor
    ) -> Tensor:
        """Returns the logits of the fine-tuned classifier."""
        support, query = to_unit_length(support), to_unit_length(query)
        means = to_unit_length(weighted_means(support, labels))
        support, query = with_ones(support), with_ones(query)
        items = ops.concatenate([support, query], axis=1)
        examples = ops.shape(support)[1]
        example_weights = mean_weights(ops.max(labels, axis=-1, keepdims=True))
        query_weights = mean_weights(mask[..., None])

        def gradient(weights):
            p = probabilities(self.logits(items, weights), labels)
            of_support = example_weights * (p[:, :examples] - labels)
            p = p[:, examples:]
            of_query = query_weights * through_softmax(entropy_gradient(p), p)
            of_logits = ops.concatenate([of_support, of_query], axis=1)
            return self.scale * ops.matmul(ops.swapaxes(of_logits, 1, 2), items)

        start = ops.concatenate([means, ops.zeros_like(means[..., :1])], axis=-1)
        weights = adam(gradient, start, self.steps, self.learning_rate)
        return self.logits(query, weights)

    def logits(self, items: Tensor, weights: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of items whose last component is a 1."""
        return self.scale * ops.matmul(items, ops.swapaxes(weights, 1, 2))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "scale": self.scale,
        }
