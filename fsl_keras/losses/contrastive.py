"""The contrastive loss of distances between pairs."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class ContrastiveLoss(keras.losses.Loss):
    """The contrastive loss: pairs of one class become close, other pairs distant.

    The loss of a pair of one class is half of its squared distance `d`; that of a pair
    of two classes is `max(margin - d, 0) ** 2 / 2`. For models of pairs whose output
    is a distance, such as `SiameseNetwork(..., similarity="euclidean")`.

    Reference:

    - [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        margin: positive float, the distance from which the loss of a pair of two
            classes is 0. Defaults to `1.0`.
        reduction: as in `keras.losses.Loss`.
        name: string.
        **kwargs: further arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: `[B]` or `[B, 1]`, 1 for pairs of one class and 0 for others.
        y_pred: distances `[B, 1]` or `[B]`, not negative.

    Returns:
        The losses `[B]`, reduced.

    Example:

    >>> import numpy as np
    >>> same, distances = np.array([1, 0, 0]), np.array([[0.5], [0.5], [1.5]])
    >>> np.asarray(ContrastiveLoss(reduction=None)(same, distances)).tolist()
    [0.125, 0.125, 0.0]
    """

    def __init__(
        self,
        margin: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "contrastive_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)
        if margin <= 0:
            raise ValueError(f"`margin` must be positive. Received: margin={margin}")
        self.margin = margin

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        same, distances = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
        near = ops.square(distances)
        far = ops.square(ops.maximum(self.margin - distances, 0.0))
        return 0.5 * (same * near + (1.0 - same) * far)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
