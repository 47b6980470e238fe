"""Training by name: options, runs in a folder, recipes, tables of what there is."""

import typing

from fsl_keras.imports import on_demand

if typing.TYPE_CHECKING:
    from fsl_keras.training.backbones import BACKBONES
    from fsl_keras.training.methods import METHODS
    from fsl_keras.training.options import Options
    from fsl_keras.training.report import write_report
    from fsl_keras.training.run import train
    from fsl_keras.training.run_folder import Run

__all__ = ["BACKBONES", "METHODS", "Options", "Run", "recipes", "train", "write_report"]

__getattr__, __dir__ = on_demand(
    __name__,
    __all__,
    {
        "BACKBONES": "fsl_keras.training.backbones",
        "METHODS": "fsl_keras.training.methods",
        "Options": "fsl_keras.training.options",
        "Run": "fsl_keras.training.run_folder",
        "train": "fsl_keras.training.run",
        "write_report": "fsl_keras.training.report",
    },
)
