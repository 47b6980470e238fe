"""Losses of few-shot models that Keras lacks."""

from fsl_keras.losses.barlow_twins import BarlowTwinsLoss
from fsl_keras.losses.contrastive import ContrastiveLoss
from fsl_keras.losses.one_hot_squared_error import OneHotSquaredError
from fsl_keras.losses.supervised_contrastive import SupervisedContrastiveLoss
from fsl_keras.losses.triplet import TripletLoss

__all__ = [
    "BarlowTwinsLoss",
    "ContrastiveLoss",
    "OneHotSquaredError",
    "SupervisedContrastiveLoss",
    "TripletLoss",
]
