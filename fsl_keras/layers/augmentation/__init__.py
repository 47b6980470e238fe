"""Augmentation of pictures: pure in a seed in a pipeline, a layer in a model."""

from fsl_keras.layers.augmentation.random_affine import RandomAffine

__all__ = ["RandomAffine"]
