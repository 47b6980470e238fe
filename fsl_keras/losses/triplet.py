"""The triplet loss of a batch of embeddings."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor

# The lower bound of squared distances. At 0, where two embeddings are equal, the
# gradient of the square root is infinite.
SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class TripletLoss(keras.losses.Loss):
    """The triplet loss with the hardest triplets of a batch.

    Every item of a batch is an anchor. Its triplet is the hardest in the batch: the
    farthest item of the same class, at Euclidean distance `p`, and the nearest item of
    another class, at distance `n`. The loss of the anchor is `max(p - n + margin, 0)`.
    It is 0 if the batch has no other item of the class, or no other class, so a batch
    should hold several items of most of its classes.

    It trains a backbone on labeled batches, for any head:

        backbone.compile("adam", TripletLoss(margin=0.5))
        backbone.fit(data.batches(64), steps_per_epoch=100, shuffle=False)

    Reference:

    - [Schroff et al., 2015](https://arxiv.org/abs/1503.03832)
    - the hardest triplets: [Hermans et al., 2017](https://arxiv.org/abs/1703.07737)

    Args:
        margin: positive float, in the units of the embedding. Defaults to `1.0`.
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
        margin: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "triplet_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)
        if margin <= 0:
            raise ValueError(f"`margin` must be positive. Received: margin={margin}")
        self.margin = margin

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels = ops.reshape(y_true, (-1,))
        differences = y_pred[:, None] - y_pred[None, :]
        squares = ops.sum(ops.square(differences), axis=-1)
        distances = ops.sqrt(ops.maximum(squares, SMALLEST))
        same = labels[:, None] == labels[None, :]
        other = ops.logical_not(same)
        positive = ops.logical_and(same, ops.eye(ops.shape(labels)[0]) == 0)
        furthest = ops.max(ops.where(positive, distances, 0.0), axis=1)
        # Farther than every item, for those that are no negatives.
        beyond = ops.max(distances) + 1.0
        nearest = ops.min(ops.where(other, distances, beyond), axis=1)
        is_triplet = ops.logical_and(ops.any(positive, axis=1), ops.any(other, axis=1))
        loss = ops.maximum(furthest - nearest + self.margin, 0.0)
        return ops.where(is_triplet, loss, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
