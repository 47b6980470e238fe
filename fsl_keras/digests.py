"""Digests of items and of weights, which tell whether they are the same."""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fsl_keras.typing import Model


def item_digest(item: Any) -> int:
    """Returns a 64-bit integer that depends on the bytes of an item.

    `FewShotClassifier` files hold it, so it must not change.

    Args:
        item: an array, the bytes of a file, or a text, which is that of its bytes in
            UTF-8.

    Example:

    >>> item_digest(b"heron")
    -8362831722823025661
    """
    if isinstance(item, str):
        item = item.encode()
    if not isinstance(item, bytes):
        item = np.asarray(item)
        item = np.ascontiguousarray(item) if item.ndim else item.tobytes()
    # Of the digests of hashlib, processors compute this one fastest.
    digest = hashlib.sha256(item).digest()[:8]
    return int.from_bytes(digest, "big", signed=True)


def weights_digest(model: Model, name_of: Callable | None = None) -> str:
    """Returns a hexadecimal string that depends on the weights of a model.

    Args:
        model: a Keras model.
        name_of: optional function from a variable to the string that stands for it in
            the digest; by default its `name`.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        # Of the ways to a variable's numbers this is by far the fastest.
        array = (
            weight.value.value()
            if keras.config.backend() == "tensorflow"
            else keras.ops.convert_to_numpy(weight)
        )
        value: Any = np.ascontiguousarray(array)
        name = weight.name if name_of is None else name_of(weight)
        digest.update(f"{name}{value.shape}".encode())
        digest.update(value.view("uint8"))
    return digest.hexdigest()
