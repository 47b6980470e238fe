"""Pretraining: how backbones are trained before they meet few-shot tasks."""

from fsl_keras.pretraining.supervised import SupervisedPretraining

__all__ = ["SupervisedPretraining"]
