"""Images and labels in the forms people have them in, by one piece of code."""

from fsl_keras.inputs.batches import (
    batch_size,
    batches_of,
    file_batches,
    item_batches,
)
from fsl_keras.inputs.elements import source_of
from fsl_keras.inputs.examples import Examples
from fsl_keras.inputs.forms import Elements, image_files

__all__ = [
    "Elements",
    "Examples",
    "batch_size",
    "batches_of",
    "file_batches",
    "image_files",
    "item_batches",
    "source_of",
]
