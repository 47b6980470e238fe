"""Few-shot learning for Keras."""

import os
import sys

if os.path.basename(sys.argv[0]) == "fsl-keras":
    # TensorFlow's notes on the processor would break the command's progress bar, and
    # it reads the level when it is imported, which happens below.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from fsl_keras import onednn

onednn.enable()  # before TensorFlow is loaded

from fsl_keras import (  # noqa: E402
    backbones,
    datasets,
    episodes,
    estimates,
    evaluation,
    features,
    heads,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    plots,
    presets,
    pretraining,
)
from fsl_keras.classifier import FewShotClassifier  # noqa: E402
from fsl_keras.datasets import ClassDataset  # noqa: E402
from fsl_keras.presets import from_preset  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "ClassDataset",
    "FewShotClassifier",
    "backbones",
    "datasets",
    "episodes",
    "estimates",
    "evaluation",
    "features",
    "from_preset",
    "heads",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "presets",
    "pretraining",
]
