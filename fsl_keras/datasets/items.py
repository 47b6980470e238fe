"""Where the items of a data set lie: in memory or in files."""

import numpy as np
import tensorflow as tf

from fsl_keras.images import decode_in_process, fit, read, to_unit_range


class MemoryItems:
    """Items in one array: uint8 pictures, float vectors or strings.

    Args:
        values: array `[n, *item]`.
        paths: optional list of the file that each comes from.
    """

    def __init__(self, values, paths=None):
        self.values = values
        self.paths = None if paths is None else np.asarray(paths, dtype=object)
        # Made once, here: a table made inside a traced function would become a
        # constant of its graph. It stays where tf.data works, off an accelerator. A
        # tensor made of an array holds a copy of it beside its own, an identity not.
        with tf.device("CPU:0"):
            self._table = tf.identity(tf.convert_to_tensor(values))

    def __len__(self):
        return len(self.values)

    @property
    def item_shape(self):
        """The shape of one item."""
        return tuple(self.values.shape[1:])

    def fetch(self, rows):
        """Returns the items of int32 rows `[n]`; pictures as float32 in [0, 1]."""
        items = tf.gather(self._table, rows)
        return to_unit_range(items) if items.dtype == tf.uint8 else items

    def take(self, rows):
        """Returns the raw items of an array of rows."""
        return self.values[rows]


class FileItems:
    """Pictures that stay in their files and are decoded when they are needed.

    Args:
        paths: list of paths of pictures.
        size: pair `(height, width)` in pixels.
        channels: 1 or 3.
        invert: bool, whether ink is dark on white and becomes 1.
    """

    def __init__(self, paths, size, channels, invert=False):
        self.paths = np.asarray([str(path) for path in paths], dtype=object)
        self.size = tuple(size)
        self.channels = channels
        self.invert = invert
        self._table = tf.constant(self.paths, "string")

    def __len__(self):
        return len(self.paths)

    @property
    def item_shape(self):
        """The shape of one item."""
        return (*self.size, self.channels)

    def fetch(self, rows):
        """Decodes the items of int32 rows `[n]` as float32 in [0, 1]."""

        def read(path):
            picture = decode_in_process(tf.io.read_file(path))
            return fit(picture, self.size, self.channels, self.invert)

        items = tf.map_fn(
            read,
            tf.gather(self._table, rows),
            fn_output_signature=tf.TensorSpec(self.item_shape, "uint8"),
            parallel_iterations=16,
        )
        return to_unit_range(items)

    def take(self, rows):
        """Reads the raw items of an array of rows."""
        images, _, skipped = read(
            self.paths[rows], self.size, self.channels, self.invert
        )
        if skipped:
            path, reason = skipped[0]
            raise ValueError(f"{path} can no longer be read: {reason}.")
        return images
