"""Squared error of independent class scores."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fsl_keras")
class OneHotSquaredError(keras.losses.Loss):
    """Squared error of the sigmoids of class scores against the one-hot label.

    The loss of relation networks, which regress every score to 1 for the class of
    the query and to 0 for the others, by themselves. The errors of a query are summed
    over classes, as in the paper's formula, so that a class that takes no part,
    whose sigmoid is 0, adds nothing.

    Reference:

    - [Sung et al., 2018](https://arxiv.org/abs/1711.06025)

    Args:
        reduction: as in `keras.losses.Loss`; by default the mean over the queries
            that are not padding.
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
        reduction="mean_with_sample_weight",
        name="one_hot_squared_error",
        **kwargs,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        targets = ops.one_hot(ops.cast(y_true, "int32"), ops.shape(y_pred)[-1])
        return ops.sum(ops.square(ops.sigmoid(y_pred) - targets), axis=-1)
