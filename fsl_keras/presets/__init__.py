"""Models stored with how they were made and how accurate they are."""

import typing

from fsl_keras.imports import on_demand
from fsl_keras.presets.classes import HasPresets
from fsl_keras.presets.folders import FORMAT, find, metadata
from fsl_keras.presets.folders import names as list

if typing.TYPE_CHECKING:
    from fsl_keras.presets.store import backbone, from_preset, head, save

__all__ = [
    "FORMAT",
    "HasPresets",
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
