"""FEAT: few-shot learning by set-to-set functions."""

import keras
from keras import ops

from fsl_keras.backbones.check import check_backbone
from fsl_keras.heads import FEATHead
from fsl_keras.models.metric import MetricModel, all_labels


@keras.saving.register_keras_serializable(package="fsl_keras")
class FEAT(MetricModel):
    """FEAT: prototypes that attention adapts to the task at hand.

    Training has a second task: support and query together are classified by the
    centres of their classes, each adapted as a set, which keeps the adapted
    embeddings of a class close. `val_loss` and `evaluate` measure the first alone.
    The paper starts from a backbone that was trained as a classifier.

    Reference:

    - [Ye et al., 2020](https://arxiv.org/abs/1812.03664)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        heads: integer, the heads of the attention.
        dropout: float, the share of what the attention adds that is dropped in
            training.
        temperature: float above 0, which divides squared distances.
        regularization: float, the weight of the second task in the loss.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = FEAT(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        heads=1,
        dropout=0.5,
        temperature=64.0,
        regularization=0.1,
        name=None,
        **kwargs,
    ):
        check_backbone(backbone)
        key_dim = backbone.output_shape[-1]
        head = FEATHead(key_dim, heads, dropout, temperature, name="adapted")
        super().__init__(backbone, head, name=name, **kwargs)
        self.regularization = regularization

    def training_loss(self, x, y, sample_weight):
        """Returns logits and loss, the second task's with it."""
        support, query = self.embed_episode(x, training=True)
        logits = self.head(support, x["support_labels"], query, training=True)
        loss = self.compute_loss(x, y, logits, sample_weight, training=True)
        second = self.second_loss(
            ops.concatenate([support, query], axis=1),
            all_labels(x["support_labels"], y, sample_weight),
        )
        return logits, loss + self.regularization * second

    def second_loss(self, items, labels):
        """Returns the mean cross-entropy of items by the centres of their classes.

        Args:
            items: embeddings `[T, L, D]`, of support and query.
            labels: one-hot float32 `[T, L, N]`, zeros at padding.
        """
        logits = self.head.contrast(items, labels, training=True)
        return -ops.sum(labels * ops.log_softmax(logits)) / ops.sum(labels)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "heads": self.head.heads,
            "dropout": self.head.dropout,
            "temperature": self.head.temperature,
            "regularization": self.regularization,
        }
