"""Feature map reconstruction networks (FRN)."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import ReconstructionHead
from fsl_keras.heads.head import ABSENT
from fsl_keras.losses.replicas import part_of_replica
from fsl_keras.models.metric import MetricModel, all_labels
from fsl_keras.typing import EpisodeBatch, Model, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class ReconstructionNetwork(MetricModel):
    """FRN: classifies by the error of reconstructing a feature map from each class.

    Backbone and reconstruction are trained together. The backbone gives feature maps,
    such as `Conv4(input_shape, pooling=None, pooled_blocks=3)`; with many locations and
    few channels, maps of other classes are hard to reconstruct.

    Reference:

    - [Wertheimer et al., 2021](https://arxiv.org/abs/2012.01506)
    - [Wu et al., 2022](https://arxiv.org/abs/2211.17161), `bidirectional`
    - [Laenen & Bertinetto, 2021](https://arxiv.org/abs/2012.09831), `all_pairs`: on the
      pairs lost by a split into support and query

    Args:
        backbone: built Keras model from items `[*, *item]` to feature maps
            `[*, h, w, D]`.
        regularization: float above 0, the initial lambda, see `ReconstructionHead`.
        scale: float above 0, the initial factor of the errors.
        learned: bool, whether training changes both.
        bidirectional: bool, whether classes are also reconstructed from the query.
        all_pairs: bool, whether training compares all pairs of examples of an episode:
            each one, of support and query alike, serves as the only example of its
            class. For one-shot tasks; an episode gives more training signal in about
            the same time. `val_loss` and `evaluate` measure the compiled loss.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), pooling=None, pooled_blocks=2)
    >>> model = ReconstructionNetwork(backbone)
    >>> model.compile()
    >>> images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(images, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("regularization", "scale", "learned", "bidirectional")

    def __init__(
        self,
        backbone: Model,
        regularization: float = 1.0,
        scale: float = 10.0,
        learned: bool = True,
        bidirectional: bool = False,
        all_pairs: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        head = ReconstructionHead(
            regularization, scale, learned, bidirectional, name="reconstruction"
        )
        super().__init__(backbone, head, name=name, **kwargs)
        self.all_pairs = all_pairs

    def training_loss(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Returns logits and loss: the compiled one, or that of all pairs."""
        if not self.all_pairs:
            return super().training_loss(x, y, sample_weight)
        support, query = self.embed_episode(x, training=True)
        shots = ops.shape(support)[1]
        pairs = self.head.pairwise_logits(ops.concatenate([support, query], axis=1))
        loss = one_shot_loss(pairs, all_labels(x["support_labels"], y, sample_weight))
        # Losses that layers of the backbone add, such as kernel regularizers.
        loss = part_of_replica(loss + sum(self.losses))
        # The logits of a class are the mean over its examples.
        labels = ops.cast(x["support_labels"], "float32")
        weights = labels / ops.maximum(ops.sum(labels, axis=1, keepdims=True), 1.0)
        return ops.matmul(pairs[:, shots:, :shots], weights), loss

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "all_pairs": self.all_pairs}


def one_shot_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the mean cross-entropy of all one-shot tasks that examples make.

    Each example is a query, and each other one of its class its support, against the
    other classes, whose likelihood is the mean over their examples.

    Args:
        logits: float32 `[T, L, L]`, of queries and examples.
        labels: one-hot float32 `[T, L, N]`, zeros at padding.
    """
    same_class = ops.matmul(labels, ops.swapaxes(labels, 1, 2))
    counts = ops.sum(same_class, axis=1, keepdims=True)
    others = (1.0 - same_class) * ops.cast(counts > 0, "float32")
    means = logits - ops.log(ops.maximum(counts, 1.0))
    against = ops.logsumexp(ops.where(others > 0, means, ABSENT), axis=2)
    positives = same_class * (1.0 - ops.eye(ops.shape(same_class)[-1]))
    losses = ops.softplus(against[..., None] - logits)
    return ops.sum(positives * losses) / ops.maximum(ops.sum(positives), 1.0)
