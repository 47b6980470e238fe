"""Augmented copies of support examples."""

from typing import Any

import keras
from keras import ops

from fsl_keras.layers.augmentation.augmentation import check_images, to_seed
from fsl_keras.layers.augmentation.checks import check_augmentation, check_numbers
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SupportExpansion(keras.layers.Layer):
    """Adds augmented copies of each support example to a support set.

    Use `transform` before adaptation, as in the example below. The unchanged examples
    come first, followed by `copies` augmented versions of all of them. Copies of
    padding (a row of zeros in one-hot labels) are padding.

    Args:
        augmentation: object with `transform(images, seed)`. The copies should look like
            the images that the network was trained on.
        copies: integer, the number of copies of each example. Defaults to `4`.
        seed: optional integer, for calls.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float images `[S, H, W, C]` in [0, 1], or `[T, S, H, W, C]` of a batch
            of episodes.
        support_labels: their labels `[S, ...]` or `[T, S, ...]`, integers or one-hot.
        training: bool, whether to add copies.

    Returns:
        The `S * (1 + copies)` images and their labels.

    Raises:
        ValueError: If `copies` is not a positive integer, or `augmentation` has no
            `transform`.

    Example:

    >>> import numpy as np
    >>> import fsl_keras as fsl
    >>> from fsl_keras.layers.augmentation import RandomAffine
    >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> images = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    >>> expansion = SupportExpansion(RandomAffine(), copies=4)
    >>> images, labels = expansion.transform(images, [0, 1, 2], seed=(0, 0))
    >>> images.shape, labels.shape
    (TensorShape([15, 28, 28, 1]), TensorShape([15]))
    >>> classifier = model.adapt(images.numpy(), labels.numpy())
    """

    def __init__(
        self,
        augmentation: Any,
        copies: int = 4,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Labels keep their dtype under any policy.
        super().__init__(autocast=False, **kwargs)
        check_augmentation("augmentation", augmentation)
        check_numbers(copies=copies, low=1)
        if copies != int(copies):
            raise ValueError(
                f"`copies` must be an integer. Received: copies={copies!r}"
            )
        self.augmentation = augmentation
        self.copies = int(copies)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def transform(
        self, support: Tensor, support_labels: Tensor, seed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Adds augmented copies to a support set.

        Args:
            support: float images `[S, H, W, C]` in [0, 1], or `[T, S, H, W, C]`.
            support_labels: their labels `[S, ...]` or `[T, S, ...]`.
            seed: two integers; the same seed gives the same copies.

        Returns:
            The `S * (1 + copies)` images and their labels.

        Raises:
            ValueError: If the numbers of labels and images differ.
        """
        support = ops.convert_to_tensor(support)
        support_labels = ops.convert_to_tensor(support_labels)
        check_images(self, support)
        axis = len(support.shape) - 4
        if support.shape[: axis + 1] != support_labels.shape[: axis + 1]:
            raise ValueError(
                f"Each support image needs a label. Received: support of shape "
                f"{tuple(support.shape)}, support_labels of shape "
                f"{tuple(support_labels.shape)}"
            )
        copies = ops.concatenate([support] * self.copies, axis)
        copies = self.augmentation.transform(copies, to_seed(seed))
        labels = ops.concatenate([support_labels] * (1 + self.copies), axis)
        return ops.concatenate([support, copies], axis), labels

    def call(
        self, support: Tensor, support_labels: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        if not training:
            return support, support_labels
        return self.transform(support, support_labels, self.seed_generator.next())

    def compute_output_shape(
        self, support_shape: Shape, support_labels_shape: Shape
    ) -> tuple[Shape, Shape]:
        # There are more images in training than in inference.
        axis = len(support_shape) - 4
        shapes = (support_shape, support_labels_shape)
        support, labels = ((*s[:axis], None, *s[axis + 1 :]) for s in shapes)
        return support, labels

    def compute_output_spec(
        self, support: Tensor, support_labels: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        del training
        shapes = self.compute_output_shape(support.shape, support_labels.shape)
        return tuple(
            keras.KerasTensor(shape, x.dtype)
            for shape, x in zip(shapes, (support, support_labels), strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "augmentation": keras.saving.serialize_keras_object(self.augmentation),
            "copies": self.copies,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SupportExpansion":
        augmentation = keras.saving.deserialize_keras_object(config["augmentation"])
        return super().from_config({**config, "augmentation": augmentation})
