"""Augmentation: a function of a seed in pipelines, a layer in models."""

from fsl_keras.layers.augmentation.augmentation import Augmentation
from fsl_keras.layers.augmentation.class_rotation import ClassRotation
from fsl_keras.layers.augmentation.color_jitter import ColorJitter
from fsl_keras.layers.augmentation.episode_augmentation import EpisodeAugmentation
from fsl_keras.layers.augmentation.random_affine import RandomAffine
from fsl_keras.layers.augmentation.random_elastic import RandomElastic
from fsl_keras.layers.augmentation.random_erasing import RandomErasing
from fsl_keras.layers.augmentation.random_flip import RandomFlip
from fsl_keras.layers.augmentation.random_resized_crop import RandomResizedCrop
from fsl_keras.layers.augmentation.sequential_augmentation import SequentialAugmentation
from fsl_keras.layers.augmentation.support_expansion import SupportExpansion
from fsl_keras.layers.augmentation.word_dropout import WordDropout

__all__ = [
    "Augmentation",
    "ClassRotation",
    "ColorJitter",
    "EpisodeAugmentation",
    "RandomAffine",
    "RandomElastic",
    "RandomErasing",
    "RandomFlip",
    "RandomResizedCrop",
    "SequentialAugmentation",
    "SupportExpansion",
    "WordDropout",
]
