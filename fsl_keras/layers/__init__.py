"""Keras layers that few-shot models need and Keras lacks."""

from fsl_keras.layers import augmentation
from fsl_keras.layers._folded_convolution import (
    FoldedConvolution as FoldedConvolution,
)
from fsl_keras.layers.affine_views import AffineViews
from fsl_keras.layers.application_preprocessing import ApplicationPreprocessing
from fsl_keras.layers.cosine_dense import CosineDense
from fsl_keras.layers.crop_views import CropViews
from fsl_keras.layers.drop_block import DropBlock
from fsl_keras.layers.fused_batch_normalization import FusedBatchNormalization
from fsl_keras.layers.hashed_ngrams import HashedNGrams
from fsl_keras.layers.preprocessing import ImagePreprocessing
from fsl_keras.layers.preprocessing import PicturePreprocessing as PicturePreprocessing
from fsl_keras.layers.tf_idf import TfIdf

__all__ = [
    "AffineViews",
    "ApplicationPreprocessing",
    "CosineDense",
    "CropViews",
    "DropBlock",
    "FusedBatchNormalization",
    "HashedNGrams",
    "ImagePreprocessing",
    "TfIdf",
    "augmentation",
]
