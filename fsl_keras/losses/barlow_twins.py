"""The loss of Barlow Twins, of two batches of embeddings of the same items."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor

# The smallest variance that is divided by: a constant dimension stays at zero.
SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class BarlowTwinsLoss(keras.losses.Loss):
    """The loss of Barlow Twins: two views agree, and dimensions differ.

    Both batches are standardized in each dimension over the items. Their
    cross-correlation matrix should then be the identity: a dimension of one view is
    correlated with the same one of the other view, and with no other one. The loss is
    the sum of the squared differences from it, with a weight for those off the
    diagonal. It needs no negatives, and constant embeddings have a high loss.

    Reference:

    - [Zbontar et al., 2021](https://arxiv.org/abs/2103.03230)

    Args:
        redundancy_weight: float, the weight of the elements off the diagonal. Defaults
            to `0.005`.
        reduction: as in `keras.losses.Loss`.
        name: string.
        **kwargs: further arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: embeddings of one view of the items, `[B, D]`.
        y_pred: embeddings of the other view, `[B, D]`.

    Returns:
        A scalar.

    Example:

    >>> import numpy as np
    >>> view = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> loss = BarlowTwinsLoss()
    >>> float(loss(view, 3 * view)), float(loss(view, -view))
    (0.0, 8.0)
    """

    def __init__(
        self,
        redundancy_weight: float = 0.005,
        reduction: str | None = "sum_over_batch_size",
        name: str = "barlow_twins_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)
        if redundancy_weight < 0:
            raise ValueError(
                f"`redundancy_weight` must be at least 0. Received: "
                f"redundancy_weight={redundancy_weight}"
            )
        self.redundancy_weight = redundancy_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        count = ops.cast(ops.shape(y_pred)[0], y_pred.dtype)
        a, b = _standardized(y_true), _standardized(y_pred)
        correlations = ops.matmul(ops.transpose(a), b) / count
        diagonal = ops.diagonal(correlations)
        own = ops.sum(ops.square(1.0 - diagonal))
        others = ops.sum(ops.square(correlations)) - ops.sum(ops.square(diagonal))
        return own + self.redundancy_weight * others

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "redundancy_weight": self.redundancy_weight}


def _standardized(values):
    values = values - ops.mean(values, axis=0, keepdims=True)
    variances = ops.mean(ops.square(values), axis=0, keepdims=True)
    return values * ops.rsqrt(ops.maximum(variances, SMALLEST))
