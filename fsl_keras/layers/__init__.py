"""Keras layers that few-shot models need and Keras lacks."""

from fsl_keras.layers import augmentation
from fsl_keras.layers.fused_batch_normalization import FusedBatchNormalization
from fsl_keras.layers.preprocessing import PicturePreprocessing

__all__ = ["FusedBatchNormalization", "PicturePreprocessing", "augmentation"]
