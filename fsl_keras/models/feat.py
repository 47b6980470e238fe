"""FEAT: few-shot learning by set-to-set functions."""

from typing import Any

import keras
from keras import ops

from fsl_keras.backbones.check import check_backbone
from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import FEATHead
from fsl_keras.losses.replicas import part_of_replica
from fsl_keras.models.metric import MetricModel, all_labels
from fsl_keras.typing import EpisodeBatch, Model, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(heads="num_heads", regularization="auxiliary_weight")
class FEAT(MetricModel):
    """FEAT: prototypes that self-attention adapts to the task.

    Training has an auxiliary loss: support and query together are classified by the
    centers of their classes, each adapted as a set, which keeps the adapted embeddings
    of a class close together. `val_loss` and `evaluate` measure the main loss alone.
    The paper starts from a backbone that was trained as a classifier.

    Reference:

    - [Ye et al., 2020](https://arxiv.org/abs/1812.03664)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        num_heads: integer, the number of attention heads.
        dropout: float, the dropout rate of the attention output.
        temperature: float above 0, by which squared distances are divided.
        auxiliary_weight: float, the weight of the auxiliary loss.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> model = FEAT(fsl.backbones.Conv4((28, 28, 1)))
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("num_heads", "dropout", "temperature")

    def __init__(
        self,
        backbone: Model,
        num_heads: int = 1,
        dropout: float = 0.5,
        temperature: float = 64.0,
        auxiliary_weight: float = 0.1,
        name: str | None = None,
        **kwargs: Any,
    ):
        check_backbone(backbone)
        key_dim = backbone.output_shape[-1]
        head = FEATHead(key_dim, num_heads, dropout, temperature, name="adapted")
        super().__init__(backbone, head, name=name, **kwargs)
        self.auxiliary_weight = auxiliary_weight

    def training_loss(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Returns the logits, and the compiled loss plus the auxiliary loss."""
        support, query = self.embed_episode(x, training=True)
        logits = self.head(support, x["support_labels"], query, training=True)
        loss = self.compute_loss(x, y, logits, sample_weight, training=True)
        auxiliary = self.auxiliary_loss(
            ops.concatenate([support, query], axis=1),
            all_labels(x["support_labels"], y, sample_weight),
        )
        return logits, loss + self.auxiliary_weight * part_of_replica(auxiliary)

    def auxiliary_loss(self, items: Tensor, labels: Tensor) -> Tensor:
        """Returns the mean cross-entropy of items by the centers of their classes.

        Args:
            items: embeddings `[T, L, D]`, of support and query.
            labels: one-hot float32 `[T, L, N]`, zeros at padding.
        """
        logits = self.head.contrast(items, labels, training=True)
        return -ops.sum(labels * ops.log_softmax(logits)) / ops.sum(labels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "auxiliary_weight": self.auxiliary_weight}
