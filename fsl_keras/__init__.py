"""Few-shot learning for Keras."""

import importlib
import os
import sys

if os.path.basename(sys.argv[0]) == "fsl-keras":
    # TensorFlow's notes on the processor would break the command's progress bar, and
    # it reads the level when it is imported, which happens below.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

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
