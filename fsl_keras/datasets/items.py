"""The items of a data set, in memory or in files."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.texts import are_texts, clean_texts
from fsl_keras.images import decode_in_process, fit, read, to_unit_range
from fsl_keras.typing import Path, Tensor

# Items, their positions among those that were asked for, and pairs `(name, reason)` of
# the others.
Reading = tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]


class Items(Protocol):
    """What a data set takes its items from, by their rows."""

    def __len__(self) -> int: ...

    @property
    def paths(self) -> np.ndarray | None: ...

    @property
    def item_shape(self) -> tuple[int, ...]: ...

    @property
    def item_dtype(self) -> str: ...

    def fetch(self, rows: Tensor) -> Tensor: ...

    def take(self, rows: np.ndarray) -> np.ndarray: ...

    def read(self, rows: np.ndarray) -> Reading: ...


class MemoryItems:
    """Items in one array: uint8 images, float vectors or texts.

    Args:
        values: array `[n, *item]`, which is copied.
        paths: optional list of the files of the items.

    Attributes:
        values: read-only array of the items.
        paths: object array of the files, or None.
    """

    def __init__(self, values: np.ndarray, paths: Sequence[str] | None = None) -> None:
        self.paths = None if paths is None else np.asarray(paths, dtype=object)
        # Created once, here: a tensor created in a traced function would become a
        # constant of its graph. It stays on the CPU, where tf.data runs. The identity
        # drops the reference to the array that a converted tensor keeps.
        with tf.device("CPU:0"):
            self._table = tf.identity(tf.convert_to_tensor(values))
        # A view of the tensor, so that items are in memory once.
        is_numeric = self._table.dtype != tf.string
        self.values = np.from_dlpack(self._table) if is_numeric else values

    def __len__(self) -> int:
        return len(self.values)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item."""
        return tuple(self.values.shape[1:])

    @property
    def item_dtype(self) -> str:
        """The dtype of fetched items: `"float32"`, or `"string"` of texts."""
        return "string" if self._table.dtype == tf.string else "float32"

    def fetch(self, rows: Tensor) -> Tensor:
        """Returns the items of int32 rows `[n]`; images as float32 in [0, 1]."""
        items = tf.gather(self._table, rows)
        return to_unit_range(items) if items.dtype == tf.uint8 else items

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Returns the raw items of an array of rows."""
        return self.values[rows]

    def read(self, rows: np.ndarray) -> Reading:
        """Returns the raw items of an array of rows, see `FileItems.read`."""
        return self.take(rows), np.arange(len(rows)), []


class FileItems:
    """Images that stay in their files and are decoded when they are needed.

    Args:
        paths: list of paths of images.
        image_size: pair `(height, width)` in pixels.
        channels: 1 or 3.
        invert: bool, True for dark ink on white paper: ink becomes 1.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        image_size: tuple[int, int],
        channels: int,
        invert: bool = False,
    ) -> None:
        self.paths = np.asarray([str(path) for path in paths], dtype=object)
        self.image_size = (image_size[0], image_size[1])
        self.channels = channels
        self.invert = invert
        self._table = tf.constant(self.paths, "string")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item."""
        return (*self.image_size, self.channels)

    @property
    def item_dtype(self) -> str:
        """The dtype of fetched items."""
        return "float32"

    def fetch(self, rows: Tensor) -> Tensor:
        """Decodes the items of int32 rows `[n]` as float32 in [0, 1]."""

        def read(path):
            image = decode_in_process(tf.io.read_file(path))
            return fit(image, self.image_size, self.channels, self.invert)

        items = tf.map_fn(
            read,
            tf.gather(self._table, rows),
            fn_output_signature=tf.TensorSpec(self.item_shape, "uint8"),
            parallel_iterations=16,
        )
        return to_unit_range(items)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Returns the raw items of an array of rows.

        Raises:
            ValueError: if an image cannot be read.
        """
        return taken(self.read(rows))

    def read(self, rows: np.ndarray) -> Reading:
        """Reads the raw items of an array of rows.

        Returns:
            A triple: the items that can be read, their positions in `rows`, and pairs
            `(name, reason)` of the others.
        """
        return read(self.paths[rows], self.image_size, self.channels, self.invert)


def taken(reading: Reading) -> np.ndarray:
    """Returns the items of what `read` returned; raises an error if one is missing."""
    items, _, skipped = reading
    if skipped:
        name, reason = skipped[0]
        raise ValueError(f"{name} cannot be read: {reason}.")
    return items


def read_items(
    paths: Sequence[Path],
    image_size: tuple[int, int],
    channels: int,
    invert: bool,
    memory_limit: int,
    check_files: bool = True,
) -> tuple[Items, np.ndarray, list[tuple[str, str]]]:
    """Reads image files into memory, if the resized images fit into a limit.

    Args:
        paths: list of paths of images.
        image_size: pair `(height, width)` in pixels.
        channels: 1 or 3.
        invert: bool, True for dark ink on white paper: ink becomes 1.
        memory_limit: bytes. Above it images stay in their files.
        check_files: bool, whether all files are decoded once at first. Otherwise images
            stay in their files, and one that cannot be read raises an error later.

    Returns:
        A triple: the items, the indices of the readable files, and pairs
        `(path, reason)` of the others.
    """
    if not check_files:
        found = FileItems(paths, image_size, channels, invert)
        return found, np.arange(len(paths)), []
    if len(paths) * image_size[0] * image_size[1] * channels <= memory_limit:
        values, kept, skipped = read(paths, image_size, channels, invert)
        return MemoryItems(values, [str(paths[i]) for i in kept]), kept, skipped
    # One pixel each, to find out which files can be decoded.
    _, kept, skipped = read(paths, (1, 1), 1)
    items = FileItems([paths[i] for i in kept], image_size, channels, invert)
    return items, kept, skipped


def stored_items(
    items: Any, value_range: tuple[float, float] | None = None
) -> np.ndarray:
    """Returns items as they are stored: uint8, float32 or strings.

    Args:
        items: array of images or vectors, or texts in any form.
        value_range: as in `ClassDataset.from_arrays`.

    Raises:
        ValueError: if vectors are not finite, images are out of range, or texts are
            missing or blank.
    """
    if are_texts(items):
        return np.asarray(clean_texts(items), object)
    values = np.asarray(items)
    if values.dtype == np.uint8:
        return values[..., None] if values.ndim == 3 else values
    if values.ndim < 3 and values.dtype.kind in "iuf":
        if not np.isfinite(values).all():
            rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
            raise ValueError(f"Items {rows[:5].tolist()} hold NaN or infinite values.")
        return values.astype("float32")
    values = values[..., None] if values.ndim == 3 else values
    return to_unit_range(values, value_range).numpy()
