"""More support examples, made from those there are."""

import keras
from keras import ops

from fsl_keras.layers.augmentation.augmentation import check_pictures, to_seed
from fsl_keras.layers.augmentation.checks import check_augmentation, check_numbers


@keras.saving.register_keras_serializable(package="fsl_keras")
class SupportExpansion(keras.layers.Layer):
    """Puts augmented copies of each support example beside it.

    To learn from one example, as if there were more of them. `transform` serves
    adaptation, as in the example below. The examples come first, as they are, then
    all of them augmented, and so on. Copies of padding (a row of zeros in one-hot
    labels) are padding.

    Args:
        augmentation: object with `transform(images, seed)`. Its copies must look like
            what the network was trained on.
        copies: integer, copies of each example.
        seed: optional integer, for calls.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float pictures `[S, H, W, C]` from 0 to 1, or `[T, S, H, W, C]` of a
            batch of episodes.
        support_labels: their labels `[S, ...]` or `[T, S, ...]`, integers or one-hot.
        training: bool, whether to add copies.

    Returns:
        The `S * (1 + copies)` pictures and their labels.

    Raises:
        ValueError: if `copies` is no positive integer, or `augmentation` has no
            `transform`.

    Example:

    >>> import numpy as np
    >>> import fsl_keras as fsl
    >>> from fsl_keras.layers.augmentation import RandomAffine
    >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> images = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    >>> expansion = SupportExpansion(RandomAffine(shift=1), copies=4)
    >>> images, labels = expansion.transform(images, [0, 1, 2], seed=(0, 0))
    >>> images.shape, labels.shape
    (TensorShape([15, 28, 28, 1]), TensorShape([15]))
    >>> classifier = model.adapt(images.numpy(), labels.numpy())
    """

    def __init__(self, augmentation, copies=4, seed=None, **kwargs):
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

    def transform(self, support, support_labels, seed):
        """Adds augmented copies to a support set.

        Args:
            support: float pictures `[S, H, W, C]` from 0 to 1, or `[T, S, H, W, C]`.
            support_labels: their labels `[S, ...]` or `[T, S, ...]`.
            seed: two integers; the same seed gives the same copies.

        Returns:
            The `S * (1 + copies)` pictures and their labels.

        Raises:
            ValueError: if labels and pictures differ in number.
        """
        support = ops.convert_to_tensor(support)
        support_labels = ops.convert_to_tensor(support_labels)
        check_pictures(self, support)
        axis = len(support.shape) - 4
        if support.shape[: axis + 1] != support_labels.shape[: axis + 1]:
            raise ValueError(
                f"Each support picture needs a label. Received: support of shape "
                f"{tuple(support.shape)}, support_labels of shape "
                f"{tuple(support_labels.shape)}"
            )
        copies = ops.concatenate([support] * self.copies, axis)
        copies = self.augmentation.transform(copies, to_seed(seed))
        labels = ops.concatenate([support_labels] * (1 + self.copies), axis)
        return ops.concatenate([support, copies], axis), labels

    def call(self, support, support_labels, training=None):
        if not training:
            return support, support_labels
        return self.transform(support, support_labels, self.seed_generator.next())

    def compute_output_shape(self, support_shape, support_labels_shape):
        # There are more pictures in training than else.
        axis = len(support_shape) - 4
        return tuple(
            (*shape[:axis], None, *shape[axis + 1 :])
            for shape in (support_shape, support_labels_shape)
        )

    def compute_output_spec(self, support, support_labels, training=None):
        del training
        shapes = self.compute_output_shape(support.shape, support_labels.shape)
        return tuple(
            keras.KerasTensor(shape, x.dtype)
            for shape, x in zip(shapes, (support, support_labels), strict=True)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "augmentation": keras.saving.serialize_keras_object(self.augmentation),
            "copies": self.copies,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        augmentation = keras.saving.deserialize_keras_object(config["augmentation"])
        return super().from_config({**config, "augmentation": augmentation})
