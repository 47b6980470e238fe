"""Few-shot learning for Keras."""

import typing

from fsl_keras.compat import modules
from fsl_keras.imports import backend, on_demand, onednn
from fsl_keras.imports.registration import register

if typing.TYPE_CHECKING:
    from fsl_keras import (
        active,
        backbones,
        continual,
        datasets,
        episodes,
        evaluation,
        features,
        heads,
        layers,
        losses,
        metrics,
        model_selection,
        models,
        multimodal,
        optimizers,
        plots,
        presets,
        pretraining,
        reports,
        testing,
        training,
    )
    from fsl_keras.classifier import FewShotClassifier
    from fsl_keras.datasets import ClassDataset
    from fsl_keras.learner import FewShotLearner
    from fsl_keras.presets import from_preset

__version__ = "0.1.0"

__all__ = [
    "ClassDataset",
    "FewShotClassifier",
    "FewShotLearner",
    "active",
    "backbones",
    "comparison",
    "continual",
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
    "model_selection",
    "models",
    "multimodal",
    "optimizers",
    "plots",
    "presets",
    "pretraining",
    "reports",
    "testing",
    "training",
]

__getattr__, __dir__ = on_demand(
    __name__,
    __all__,
    {
        "ClassDataset": "fsl_keras.datasets",
        "FewShotClassifier": "fsl_keras.classifier",
        "FewShotLearner": "fsl_keras.learner",
        "from_preset": "fsl_keras.presets",
    },
)

backend.check()
onednn.enable()  # before TensorFlow is loaded
register()
modules.install()
