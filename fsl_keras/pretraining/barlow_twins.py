"""Training without labels and without negatives: Barlow Twins."""

from typing import Any

import keras

from fsl_keras.losses import BarlowTwinsLoss
from fsl_keras.pretraining.self_supervised import SelfSupervisedPretraining
from fsl_keras.typing import Model, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class BarlowTwins(SelfSupervisedPretraining):
    """Trains a backbone without labels and without negatives: Barlow Twins.

    Each dimension of the projection is to be the same in both views of an item, and
    uncorrelated with the other dimensions. So items are not pushed apart, among which
    may be some of the same class. Wide projections help.

    Reference:

    - [Zbontar et al., 2021](https://arxiv.org/abs/2103.03230)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It is
            trained itself, not a copy.
        augmentation: as in `SelfSupervisedPretraining`.
        redundancy_weight: as in `losses.BarlowTwinsLoss`. Defaults to `0.005`.
        projection: as in `SelfSupervisedPretraining`. Defaults to `(512, 512)`.
        **kwargs: further arguments of `SelfSupervisedPretraining`.

    Raises:
        ValueError: If there are more than two views.

    Example:

    >>> import fsl_keras as fsl
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), filters=8)
    >>> model = BarlowTwins(backbone, fsl.layers.augmentation.RandomAffine())
    >>> model.compile()
    """

    def __init__(
        self,
        backbone: Model,
        augmentation: Any,
        redundancy_weight: float = 0.005,
        projection: tuple[int, ...] = (512, 512),
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, augmentation, projection, **kwargs)
        if self.views != 2:
            raise ValueError(
                f"Barlow Twins compares two views. Received: views={self.views}"
            )
        self.twins_loss = BarlowTwinsLoss(redundancy_weight)

    def views_loss(self, projections: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.twins_loss(projections[0], projections[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "redundancy_weight": self.twins_loss.redundancy_weight,
        }
