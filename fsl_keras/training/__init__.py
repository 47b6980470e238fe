"""Training by name: options, runs in a folder, recipes, tables of what there is."""

from fsl_keras.imports import on_demand

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
