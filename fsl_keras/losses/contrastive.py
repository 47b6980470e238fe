"""The contrastive loss of distances between pairs."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fsl_keras")
class ContrastiveLoss(keras.losses.Loss):
    """Draws pairs of one class together and pushes other pairs apart.

    A pair of one class costs half its squared distance, another pair half the square
    of what it lacks to `margin`. Made for pair models whose output is a distance,
    such as that of `SiameseNetwork(..., similarity="euclidean")`.

    Reference:

    - [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        margin: positive float, the distance from which on pairs of two classes cost
            nothing.
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
        margin=1.0,
        reduction="sum_over_batch_size",
        name="contrastive_loss",
        **kwargs,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        if margin <= 0:
            raise ValueError(f"`margin` must be above 0. Received: margin={margin}")
        self.margin = margin

    def call(self, y_true, y_pred):
        same, distances = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
        near = ops.square(distances)
        far = ops.square(ops.maximum(self.margin - distances, 0.0))
        return 0.5 * (same * near + (1.0 - same) * far)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
