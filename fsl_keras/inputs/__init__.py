"""Converts arrays, files, folders, tables and datasets to batches for `adapt`."""

from fsl_keras.inputs.batches import (
    batch_size,
    check_all_read,
    hint_of_texts,
    item_batches,
)
from fsl_keras.inputs.elements import source_of
from fsl_keras.inputs.examples import LONGEST, Examples, stored_text
from fsl_keras.inputs.forms import Elements, image_files
from fsl_keras.inputs.kinds import noun_of
from fsl_keras.inputs.texts import read_lines, shortened, texts_of

__all__ = [
    "LONGEST",
    "Elements",
    "Examples",
    "batch_size",
    "check_all_read",
    "hint_of_texts",
    "image_files",
    "item_batches",
    "noun_of",
    "read_lines",
    "shortened",
    "source_of",
    "stored_text",
    "texts_of",
]
