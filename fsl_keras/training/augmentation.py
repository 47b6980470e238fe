"""The augmentation of training images."""

from typing import Any

from fsl_keras.layers.augmentation import (
    ColorJitter,
    RandomAffine,
    RandomElastic,
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
)

# The fraction of a photograph's area that a crop smaller than it shows.
SMALL_CROPS = (0.35, 1.0)


def are_photographs(item_shape: tuple[int, ...]) -> bool:
    """Whether images are in color, and so no characters."""
    return item_shape[-1] == 3


def augmentation(item_shape: tuple[int, ...], crop_size: int | None = None) -> Any:
    """Returns the layer that augments training images of a shape.

    Args:
        item_shape: triple `(height, width, channels)`.
        crop_size: optional integer, height and width of the crops of photographs.
    """
    if not are_photographs(item_shape):
        return RandomAffine()
    crop = RandomResizedCrop()
    if crop_size is not None:
        crop = RandomResizedCrop(SMALL_CROPS, size=(crop_size, crop_size))
    return SequentialAugmentation(
        [crop, RandomFlip(), ColorJitter(0.4, 0.4, 0.4, 0.03)]
    )


def views(item_shape: tuple[int, ...], crop_size: int | None = None) -> Any:
    """Returns the layer that makes views of unlabeled images of a shape.

    Views of characters differ more than images that are augmented for training with
    labels do: nothing else tells the network what to ignore.

    Args:
        item_shape: triple `(height, width, channels)`.
        crop_size: as in `augmentation`.
    """
    if are_photographs(item_shape):
        return augmentation(item_shape, crop_size)
    affine = RandomAffine(
        rotation_factor=0.06,
        zoom_factor=(-0.19, 0.23),
        shear_factor=0.21,
        translation_factor=0.1,
    )
    return SequentialAugmentation([affine, RandomElastic(0.2, cells=3)])
