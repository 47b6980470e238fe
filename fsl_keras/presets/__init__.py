"""The zoo: models stored with how they were made and how good they are."""

import typing

from fsl_keras.imports import on_demand
from fsl_keras.presets.folders import FORMAT, find, list, metadata

if typing.TYPE_CHECKING:
    from fsl_keras.presets.store import backbone, from_preset, head, save

__all__ = [
    "FORMAT",
    "backbone",
    "find",
    "from_preset",
    "head",
    "list",
    "metadata",
    "save",
]

__getattr__, __dir__ = on_demand(
    __name__,
    __all__,
    dict.fromkeys(("backbone", "from_preset", "head", "save"), f"{__name__}.store"),
)
