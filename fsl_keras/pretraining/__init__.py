"""Training of backbones alone: on many training classes, or on the few examples."""

from fsl_keras.pretraining.fine_tuning import fine_tune
from fsl_keras.pretraining.supervised import SupervisedPretraining

__all__ = ["SupervisedPretraining", "fine_tune"]
