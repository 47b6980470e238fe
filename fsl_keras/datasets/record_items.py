"""Images that stay inside TFRecord files and archives."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.items import Items, MemoryItems, Reading, taken
from fsl_keras.datasets.records import Records
from fsl_keras.images import read, to_unit_range
from fsl_keras.typing import Tensor

# The number of images whose contents are in memory at a time.
AT_A_TIME = 1024


class RecordItems:
    """Images inside larger files, which are decoded when they are needed.

    Args:
        files: list of strings, the files.
        positions: list of triples `(file number, offset, size)` in bytes.
        names: list of strings, for errors and `class_files`.
        image_size: pair `(height, width)` in pixels.
        channels: 1 or 3.
        invert: bool, True for dark ink on white paper: ink becomes 1.
    """

    item_dtype = "float32"

    def __init__(
        self,
        files: Sequence[str],
        positions: Sequence[tuple[int, int, int]],
        names: Sequence[str],
        image_size: tuple[int, int],
        channels: int,
        invert: bool = False,
    ) -> None:
        self.files = list(files)
        self.positions = np.asarray(positions, "int64").reshape(-1, 3)
        self.paths = np.asarray(names, dtype=object)
        self.image_size = (image_size[0], image_size[1])
        self.channels = channels
        self.invert = invert

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item."""
        return (*self.image_size, self.channels)

    def fetch(self, rows: Tensor) -> Tensor:
        """Decodes the items of int32 rows `[n]` as float32 in [0, 1]."""
        items = tf.numpy_function(self.take, [rows], tf.uint8, stateful=False)
        return to_unit_range(tf.ensure_shape(items, (None, *self.item_shape)))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Returns the raw items of an array of rows.

        Raises:
            ValueError: if an image cannot be read.
        """
        return taken(self.read(rows))

    def read(self, rows: np.ndarray) -> Reading:
        """Reads the raw items of an array of rows, see `FileItems.read`."""
        contents = [self._content(*self.positions[row]) for row in rows]
        items, kept, skipped = read(
            contents, self.image_size, self.channels, self.invert
        )
        left_out = np.setdiff1d(np.arange(len(rows)), kept)
        reasons = [reason for _, reason in skipped]
        names = self.paths[np.asarray(rows)[left_out]]
        return items, kept, list(zip(names, reasons, strict=True))

    def _content(self, number, offset, size):
        with open(self.files[number], "rb") as file:
            file.seek(offset)
            return file.read(size)


def read_records(
    records: Records,
    image_size: tuple[int, int],
    channels: int,
    invert: bool,
    memory_limit: int,
    check_files: bool = True,
) -> tuple[Items, np.ndarray, list[tuple[str, str]]]:
    """Reads images into memory, if they fit into a limit; see `items.read_items`.

    Args:
        records: `Records`.
        image_size: pair `(height, width)` in pixels.
        channels: 1 or 3.
        invert: bool, True for dark ink on white paper: ink becomes 1.
        memory_limit: bytes. Above it images stay in their files.
        check_files: as in `read_items`.

    Returns:
        A triple: the items, the indices of the readable images, and pairs
        `(name, reason)` of the others.
    """
    every = np.arange(len(records.positions))

    def items(rows, size=image_size, channels=channels):
        positions = [records.positions[row] for row in rows]
        names = [records.names[row] for row in rows]
        return RecordItems(records.files, positions, names, size, channels, invert)

    if not check_files:
        return items(every), every, []
    fits = len(every) * image_size[0] * image_size[1] * channels <= memory_limit
    # One pixel each, to find out which images can be decoded.
    reader = items(every) if fits else items(every, (1, 1), 1)
    parts = [reader.read(every[i : i + AT_A_TIME]) for i in every[::AT_A_TIME]]
    kept = np.concatenate(
        [part[1] + AT_A_TIME * number for number, part in enumerate(parts)]
    )
    skipped = [pair for part in parts for pair in part[2]]
    if not fits:
        return items(kept), kept, skipped
    values = np.concatenate([part[0] for part in parts])
    return MemoryItems(values, [records.names[row] for row in kept]), kept, skipped
