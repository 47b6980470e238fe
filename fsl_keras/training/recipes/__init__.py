"""The recipes of the zoo: for each preset the options of the run that makes it."""

import typing

from fsl_keras.imports import on_demand

if typing.TYPE_CHECKING:
    from fsl_keras.training.recipes.loading import figures, load, names, tables
    from fsl_keras.training.recipes.record import metadata

__all__ = ["figures", "load", "metadata", "names", "tables"]

__getattr__, __dir__ = on_demand(
    __name__,
    __all__,
    {
        "figures": "fsl_keras.training.recipes.loading",
        "load": "fsl_keras.training.recipes.loading",
        "metadata": "fsl_keras.training.recipes.record",
        "names": "fsl_keras.training.recipes.loading",
        "tables": "fsl_keras.training.recipes.loading",
    },
)
