"""Images from bytes, files and arrays: decoding, resizing, channels and value range.

Data sets, prediction and exported graphs all use these functions, so an image has the
same values in training and in prediction.
"""

from fsl_keras.images.decoding import decode, decode_in_process
from fsl_keras.images.files import IMAGE_SUFFIXES, animated, is_image_name, read
from fsl_keras.images.kinds import kind_of_file
from fsl_keras.images.pillow import from_pillow
from fsl_keras.images.resizing import RESIZES, check_resize
from fsl_keras.images.values import fit, to_unit_range

__all__ = [
    "IMAGE_SUFFIXES",
    "RESIZES",
    "animated",
    "check_resize",
    "decode",
    "decode_in_process",
    "fit",
    "from_pillow",
    "is_image_name",
    "kind_of_file",
    "read",
    "to_unit_range",
]
