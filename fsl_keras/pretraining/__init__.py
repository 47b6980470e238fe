"""Pretraining of backbones on the training classes."""

from fsl_keras.pretraining.supervised import SupervisedPretraining

__all__ = ["SupervisedPretraining"]
