"""Vectors or maps that stay in NumPy files on the disk."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.items import Reading
from fsl_keras.typing import Path, Tensor


class MappedItems:
    """Float32 items of several `.npy` files, of which only what is needed is read.

    Args:
        files: list of paths of `.npy` files `[n, *item]`, which follow each other.
        paths: optional list of the names of all items.

    Raises:
        ValueError: if a file is no float32 array, or its items have another shape.
    """

    item_dtype = "float32"

    def __init__(self, files: Sequence[Path], paths: Sequence[str] | None = None):
        self.paths = None if paths is None else np.asarray(paths, dtype=object)
        self._arrays = [np.load(file, mmap_mode="r") for file in files]
        self._starts = np.cumsum([0, *map(len, self._arrays)])
        for file, array in zip(files, self._arrays, strict=True):
            if array.dtype != "float32" or array.shape[1:] != self.item_shape:
                raise ValueError(
                    f"{file} holds {array.dtype} items of shape {array.shape[1:]}. "
                    f"Expected float32 items of shape {self.item_shape}."
                )

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item."""
        return tuple(self._arrays[0].shape[1:])

    def fetch(self, rows: Tensor) -> Tensor:
        """Returns the items of int32 rows `[n]`."""
        items = tf.numpy_function(self.take, [rows], tf.float32, stateful=False)
        return tf.ensure_shape(items, (None, *self.item_shape))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Returns the items of an array of rows."""
        rows = np.asarray(rows)
        found = np.empty((len(rows), *self.item_shape), "float32")
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(numbers):
            chosen = numbers == number
            found[chosen] = self._arrays[number][rows[chosen] - self._starts[number]]
        return found

    def read(self, rows: np.ndarray) -> Reading:
        """Returns the items of an array of rows, see `FileItems.read`."""
        return self.take(rows), np.arange(len(rows)), []
