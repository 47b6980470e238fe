"""Converts arrays, files, folders, tables and datasets to batches for `adapt`."""

from fsl_keras.inputs.batches import (
    batch_size,
    check_all_read,
    item_batches,
)
from fsl_keras.inputs.elements import source_of
from fsl_keras.inputs.examples import Examples
from fsl_keras.inputs.forms import Elements, image_files

__all__ = [
    "Elements",
    "Examples",
    "batch_size",
    "check_all_read",
    "image_files",
    "item_batches",
    "source_of",
]
