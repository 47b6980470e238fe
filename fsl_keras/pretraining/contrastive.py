"""Contrastive training: the views of one item, or of one class, become similar."""

from typing import Any

import keras
from keras import ops

from fsl_keras.losses import SupervisedContrastiveLoss
from fsl_keras.pretraining.self_supervised import SelfSupervisedPretraining
from fsl_keras.typing import Model, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimCLR(SelfSupervisedPretraining):
    """Trains a backbone without labels: SimCLR.

    Each view of an item is to be found among all views of the batch, by the cosine
    similarity to the other views of the same item (the loss NT-Xent). Large batches
    help, as the other items are the negatives.

    Reference:

    - [Chen et al., 2020](https://arxiv.org/abs/2002.05709)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It is
            trained itself, not a copy.
        augmentation: as in `SelfSupervisedPretraining`.
        temperature: positive float, which cosine similarities are divided by. Defaults
            to `0.1`.
        **kwargs: further arguments of `SelfSupervisedPretraining`.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> images = np.random.default_rng(0).random((64, 28, 28, 1))
    >>> unlabeled = fsl.ClassDataset.from_arrays(images, np.zeros(64, int))
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), filters=8)
    >>> model = SimCLR(backbone, fsl.layers.augmentation.RandomAffine())
    >>> model.compile()
    >>> history = model.fit(
    ...     unlabeled.batches(32, seed=0), steps_per_epoch=2, verbose=0)
    >>> learner = fsl.models.PrototypicalNetwork(model.backbone)
    """

    def __init__(
        self,
        backbone: Model,
        augmentation: Any,
        temperature: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, augmentation, **kwargs)
        self.contrastive_loss = SupervisedContrastiveLoss(temperature)

    def views_loss(self, projections: Tensor, labels: Tensor | None = None) -> Tensor:
        views, count, width = ops.shape(projections)
        items = ops.tile(ops.arange(count), (views,))
        vectors = ops.reshape(projections, (-1, width))
        return ops.mean(self.contrastive_loss.call(items, vectors))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "temperature": self.contrastive_loss.temperature,
        }


@keras.saving.register_keras_serializable(package="fsl_keras")
class SupervisedContrastive(SimCLR):
    """Trains a backbone with labels: views of items of one class become similar.

    It differs from `SimCLR` in that the other items of a class are no negatives, but
    further views. A batch should have several items of each class:
    `data.batches(256, per_class=4)`.

    Reference:

    - [Khosla et al., 2020](https://arxiv.org/abs/2004.11362)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It is
            trained itself, not a copy.
        augmentation: as in `SelfSupervisedPretraining`.
        temperature: as in `SimCLR`.
        **kwargs: further arguments of `SelfSupervisedPretraining`.
    """

    def views_loss(self, projections: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is None:
            raise ValueError(
                "`SupervisedContrastive` needs labels: fit it on a stream of `(items, "
                "labels)`, or train without labels by `SimCLR`."
            )
        views, _, width = ops.shape(projections)
        labels = ops.tile(ops.reshape(labels, (-1,)), (views,))
        vectors = ops.reshape(projections, (-1, width))
        return ops.mean(self.contrastive_loss.call(labels, vectors))
