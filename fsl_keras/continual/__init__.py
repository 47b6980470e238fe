"""Continual learning: sessions of new classes and new examples."""

from fsl_keras.continual.exemplars import (
    ExemplarMemory,
    HerdingExemplars,
    ReservoirExemplars,
)
from fsl_keras.continual.report import ContinualReport
from fsl_keras.continual.sessions import evaluate

__all__ = [
    "ContinualReport",
    "ExemplarMemory",
    "HerdingExemplars",
    "ReservoirExemplars",
    "evaluate",
]
