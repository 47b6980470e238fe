"""Squared error of independent class scores."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class OneHotSquaredError(keras.losses.Loss):
    """Squared error between the sigmoids of class scores and one-hot labels.

    The loss of relation networks, which regress the score of each class independently
    to 1 for the class of the query and to 0 for the others. Errors are summed over
    classes, as in the paper, so that absent classes, whose sigmoid is 0, do not
    contribute.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        reduction: as in `keras.losses.Loss`. Defaults to the mean over the queries that
            are not padding.
        name: string.
        **kwargs: further arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: integer labels `[T, M]`.
        y_pred: scores before the sigmoid `[T, M, N]`.

    Returns:
        The losses `[T, M]`, reduced.

    Example:

    >>> import numpy as np
    >>> scores = np.array([[[0.0, 0.0, -1e9]]])  # sigmoids of 1/2, 1/2 and 0
    >>> float(OneHotSquaredError()(np.array([[1]]), scores))
    0.5
    """

    def __init__(
        self,
        reduction: str | None = "mean_with_sample_weight",
        name: str = "one_hot_squared_error",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        targets = ops.one_hot(ops.cast(y_true, "int32"), ops.shape(y_pred)[-1])
        return ops.sum(ops.square(ops.sigmoid(y_pred) - targets), axis=-1)
