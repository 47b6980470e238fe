"""The augmentation of training images."""

from typing import Any

from fsl_keras.layers.augmentation import (
    ColorJitter,
    RandomAffine,
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
