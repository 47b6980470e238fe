"""Feature map reconstruction networks, known as FRN."""

import keras
from keras import ops

from fsl_keras.heads import ReconstructionHead
from fsl_keras.heads.head import ABSENT
from fsl_keras.models.metric import MetricModel, all_labels


@keras.saving.register_keras_serializable(package="fsl_keras")
class ReconstructionNetwork(MetricModel):
    """FRN: a class is found by reconstructing a feature map from those of its examples.

    Backbone and reconstruction learn together. The backbone keeps places apart, such as
    `Conv4(input_shape, pooling=None, pooled_blocks=3)`; many places and few channels
    make it hard to reconstruct the map of another class.

    Reference:

    - [Wertheimer et al., 2021](https://arxiv.org/abs/2012.01506)
    - [Wu et al., 2022](https://arxiv.org/abs/2211.17161), `bidirectional`
    - [Laenen & Bertinetto, 2021](https://arxiv.org/abs/2012.09831), `all_pairs`: that
      a split into support and query wastes pairs

    Args:
        backbone: built Keras model from items `[*, *item]` to feature maps
            `[*, h, w, D]`.
        regularization: float above 0, the initial lambda, see `ReconstructionHead`.
        temperature: float above 0, the initial scale of the errors.
        learned: bool, whether training changes both.
        bidirectional: bool, whether classes are reconstructed from the query too.
        all_pairs: bool, whether training compares every two examples of an episode:
            each one, of support and query alike, is in its turn the only example of
            its class. Learns more of an episode in about the same time, for tasks of
            one shot. `val_loss` and `evaluate` measure the compiled loss.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), pooling=None, pooled_blocks=2)
    >>> model = ReconstructionNetwork(backbone)
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    >>> episode = fsl.episodes.make_episode(pictures, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        backbone,
        regularization=1.0,
        temperature=10.0,
        learned=True,
        bidirectional=False,
        all_pairs=False,
        name=None,
        **kwargs,
    ):
        head = ReconstructionHead(
            regularization,
            temperature,
            learned,
            bidirectional,
            name="reconstruction",
        )
        super().__init__(backbone, head, name=name, **kwargs)
        self.all_pairs = all_pairs

    def training_loss(self, x, y, sample_weight):
        """Returns logits and loss, the loss of all pairs where these are asked for."""
        if not self.all_pairs:
            return super().training_loss(x, y, sample_weight)
        support, query = self.embed_episode(x, training=True)
        shots = ops.shape(support)[1]
        pairs = self.head.compare(ops.concatenate([support, query], axis=1))
        loss = one_shot_loss(pairs, all_labels(x["support_labels"], y, sample_weight))
        # What layers of the backbone add, such as the decay of a kernel.
        loss = loss + sum(self.losses)
        # Of several examples of a class, the mean of what each one says.
        labels = ops.cast(x["support_labels"], "float32")
        shares = labels / ops.maximum(ops.sum(labels, axis=1, keepdims=True), 1.0)
        return ops.matmul(pairs[:, shots:, :shots], shares), loss

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {
            **config,
            "regularization": self.head.regularization,
            "temperature": self.head.temperature,
            "learned": self.head.learned,
            "bidirectional": self.head.bidirectional,
            "all_pairs": self.all_pairs,
        }


def one_shot_loss(logits, labels):
    """Returns the mean cross-entropy of the one-shot tasks that examples make.

    Each example is a query, and each other one of its class the support, against the
    other classes, each of which is as likely as its examples are in the mean.

    Args:
        logits: float32 `[T, L, L]`, of queries and examples.
        labels: one-hot float32 `[T, L, N]`, zeros at padding.
    """
    alike = ops.matmul(labels, ops.swapaxes(labels, 1, 2))
    counts = ops.sum(alike, axis=1, keepdims=True)
    others = (1.0 - alike) * ops.cast(counts > 0, "float32")
    weighed = logits - ops.log(ops.maximum(counts, 1.0))
    against = ops.logsumexp(ops.where(others > 0, weighed, ABSENT), axis=2)
    same = alike * (1.0 - ops.eye(ops.shape(alike)[-1]))
    losses = ops.softplus(against[..., None] - logits)
    return ops.sum(same * losses) / ops.maximum(ops.sum(same), 1.0)
