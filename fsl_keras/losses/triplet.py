"""The triplet loss of a batch of embeddings."""

import keras
from keras import ops

# Below it a squared distance counts as this much and has no gradient: that of the
# root is infinite at 0, where two embeddings are the same.
SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class TripletLoss(keras.losses.Loss):
    """Wants items of one class nearer together than those of two, by a margin.

    Every item of a batch is an anchor. Its triplet is the hardest in the batch: its
    furthest item of its own class and the nearest of another one, by Euclidean
    distance. It costs `max(near - far + margin, 0)` of these two distances. An anchor
    that is alone of its class, or whose batch has no other class, costs nothing, so a
    batch should hold several items of most of its classes.

    Trains a backbone on labelled batches; any head can then be put on it:

        backbone.compile("adam", TripletLoss(margin=0.5))
        backbone.fit(data.batches(64), steps_per_epoch=100, shuffle=False)

    Reference:

    - [Schroff et al., 2015](https://arxiv.org/abs/1503.03832)
    - the hardest triplets: [Hermans et al., 2017](https://arxiv.org/abs/1703.07737)

    Args:
        margin: positive float, in the units of the embedding.
        reduction: as in `keras.losses.Loss`.
        name: string.
        **kwargs: further arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: integer labels `[B]` or `[B, 1]`.
        y_pred: embeddings `[B, D]`.

    Returns:
        The losses of the anchors `[B]`, reduced.

    Example:

    >>> import numpy as np
    >>> embeddings = np.array([[0.0], [3.0], [5.0]])  # of two classes
    >>> labels = np.array([7, 7, 8])
    >>> np.asarray(TripletLoss(margin=1.0, reduction=None)(labels, embeddings)).tolist()
    [0.0, 2.0, 0.0]
    """

    def __init__(
        self,
        margin=1.0,
        reduction="sum_over_batch_size",
        name="triplet_loss",
        **kwargs,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        if margin <= 0:
            raise ValueError(f"`margin` must be above 0. Received: margin={margin}")
        self.margin = margin

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1,))
        differences = y_pred[:, None] - y_pred[None, :]
        squares = ops.sum(ops.square(differences), axis=-1)
        distances = ops.sqrt(ops.maximum(squares, SMALLEST))
        same = labels[:, None] == labels[None, :]
        other = ops.logical_not(same)
        positive = ops.logical_and(same, ops.eye(ops.shape(labels)[0]) == 0)
        furthest = ops.max(ops.where(positive, distances, 0.0), axis=1)
        # Beyond every distance, where it is no negative.
        beyond = ops.max(distances) + 1.0
        nearest = ops.min(ops.where(other, distances, beyond), axis=1)
        is_triplet = ops.logical_and(ops.any(positive, axis=1), ops.any(other, axis=1))
        loss = ops.maximum(furthest - nearest + self.margin, 0.0)
        return ops.where(is_triplet, loss, 0.0)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
