"""The supervised contrastive loss of a batch of embeddings."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor

# The logit of an item with itself, which has no part in the softmax.
OWN = -1e9
# The smallest squared length that is divided by: a vector of zeros stays as it is.
SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class SupervisedContrastiveLoss(keras.losses.Loss):
    """The supervised contrastive loss: classes gather, by cosine similarity.

    Every item of a batch is an anchor. The softmax of its cosine similarities to all
    other items, divided by a temperature, is the probability of each of them. The loss
    of the anchor is the mean of `-log(probability)` over the other items of its class,
    or 0 if there are none. So a batch should have several items of each class, as
    `ClassDataset.batches(..., per_class=4)` has.

    It trains a backbone on labeled batches, for any head:

        backbone.compile("adam", SupervisedContrastiveLoss())
        backbone.fit(data.batches(64, per_class=4), steps_per_epoch=9, shuffle=False)

    Reference:

    - [Khosla et al., 2020](https://arxiv.org/abs/2004.11362), the loss `L_out`

    Args:
        temperature: positive float. Defaults to `0.1`.
        reduction: as in `keras.losses.Loss`.
        name: string.
        **kwargs: further arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: integer labels `[B]` or `[B, 1]`.
        y_pred: embeddings `[B, D]` of any length.

    Returns:
        The losses of the anchors `[B]`, reduced.

    Example:

    >>> import numpy as np
    >>> embeddings = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    >>> loss = SupervisedContrastiveLoss(temperature=1.0, reduction=None)
    >>> loss(np.array([7, 7, 8]), embeddings).numpy().astype("float64").round(3)
    array([0.313, 0.313, 0.   ])
    """

    def __init__(
        self,
        temperature: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "supervised_contrastive_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)
        if temperature <= 0:
            raise ValueError(
                f"`temperature` must be positive. Received: temperature={temperature}"
            )
        self.temperature = temperature

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels = ops.reshape(y_true, (-1,))
        squares = ops.sum(ops.square(y_pred), axis=-1, keepdims=True)
        vectors = y_pred * ops.rsqrt(ops.maximum(squares, SMALLEST))
        own = ops.eye(ops.shape(labels)[0]) > 0
        logits = ops.matmul(vectors, ops.transpose(vectors)) / self.temperature
        losses = -ops.log_softmax(ops.where(own, OWN, logits), axis=-1)
        same = labels[:, None] == labels[None, :]
        positive = ops.logical_and(same, ops.logical_not(own))
        total = ops.sum(ops.where(positive, losses, 0.0), axis=1)
        count = ops.sum(ops.cast(positive, total.dtype), axis=1)
        return total / ops.maximum(count, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}
