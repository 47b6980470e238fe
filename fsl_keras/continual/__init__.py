"""Continual learning: sessions of new classes and new examples."""

from fsl_keras.continual.drift import compensate_drift
from fsl_keras.continual.exemplars import (
    ExemplarMemory,
    HerdingExemplars,
    ReservoirExemplars,
)
from fsl_keras.continual.fine_tuned_classifier import FineTunedClassifier
from fsl_keras.continual.fine_tuning import FineTuningLearner
from fsl_keras.continual.report import ContinualReport
from fsl_keras.continual.sessions import evaluate

__all__ = [
    "ContinualReport",
    "ExemplarMemory",
    "FineTunedClassifier",
    "FineTuningLearner",
    "HerdingExemplars",
    "ReservoirExemplars",
    "compensate_drift",
    "evaluate",
]
