"""The zoo: models stored with how they were made and how good they are."""

from fsl_keras.presets.store import (
    FORMAT,
    backbone,
    find,
    from_preset,
    head,
    list,
    metadata,
    save,
)

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
