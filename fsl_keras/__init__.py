"""Few-shot learning for Keras."""

import importlib

from fsl_keras import backbones, datasets, episodes, heads, layers, metrics, models
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.datasets import ClassDataset

__version__ = "0.1.0"

__all__ = [
    "ClassDataset",
    "FewShotClassifier",
    "backbones",
    "datasets",
    "episodes",
    "evaluation",
    "heads",
    "layers",
    "metrics",
    "models",
    "plots",
]


def __getattr__(name):
    # Imported when first used: Matplotlib takes longer than all the rest together.
    if name in ("evaluation", "plots"):
        return importlib.import_module(f"fsl_keras.{name}")
    raise AttributeError(f"module 'fsl_keras' has no attribute {name!r}")
