"""Pictures from bytes, files and arrays to one size, one channel count, one range.

Data sets, prediction and exported graphs all come through here, so the picture a
model was trained on and the picture it is asked about are the same numbers.
"""

from fsl_keras.pictures.decoding import decode
from fsl_keras.pictures.files import PICTURE_SUFFIXES, animated, is_picture_name, read
from fsl_keras.pictures.values import fit, to_unit_range

__all__ = [
    "PICTURE_SUFFIXES",
    "animated",
    "decode",
    "fit",
    "is_picture_name",
    "read",
    "to_unit_range",
]
