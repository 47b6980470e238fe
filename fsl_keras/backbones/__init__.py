"""Backbones: Keras models from an item to its embedding."""

from fsl_keras.backbones.conv4 import Conv4

__all__ = ["Conv4"]
