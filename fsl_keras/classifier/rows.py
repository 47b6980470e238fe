"""Arrays that grow at their end without being copied."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras.imports.backend import is_tensorflow
from fsl_keras.typing import Tensor

# The part of the rows, and the number of rows, for which memory is allocated ahead.
SPARE, SPARE_ROWS = 1 / 8, 16


class Rows:
    """The rows of an array, to which others can be appended without copying these.

    Instances never change, so that other threads may read one. The result of `append`
    shares the memory of its rows, which has room for more behind them; only what is
    full, or has been appended to before, is copied.

    Args:
        values: array of at least one axis, which is copied. Rows of a NumPy array are
            kept in one, and those of a tensor in a variable of TensorFlow.
        expected: optional integer, the number of rows that there will be. Memory for
            them, and for some more, is allocated now.

    Example:

    >>> one = Rows(np.array([[1, 2]]))
    >>> two = one.append(np.array([[3, 4]]))
    >>> one.value.tolist(), two.value.tolist()
    ([[1, 2]], [[1, 2], [3, 4]])
    """

    def __init__(self, values: Tensor, expected: int | None = None):
        self._length = len(values)
        most = max(self._length, expected or 0)
        self._capacity = most + int(most * SPARE) + SPARE_ROWS
        if not isinstance(values, np.ndarray) and not is_tensorflow():
            self._capacity = self._length  # of tensors that cannot be changed
        self._buffer = _allocated(values, self._capacity)
        # The number of rows in use, by any instance that shares the memory.
        self._used = [self._length]

    def __len__(self) -> int:
        return self._length

    @property
    def value(self) -> Any:
        """The array or tensor of all rows, which shares their memory."""
        if isinstance(self._buffer, np.ndarray):
            return self._buffer[: self._length]
        if not is_tensorflow():
            return self._buffer
        return self._buffer.value()[: self._length]

    def append(self, more: Tensor) -> "Rows":
        """Returns these rows and others behind them, of the same kind."""
        start, end = self._length, self._length + len(more)
        if self._used[0] != start or end > self._capacity:
            if isinstance(self._buffer, np.ndarray):
                return Rows(np.concatenate([self.value, more]))
            return Rows(ops.concatenate([self.value, more]))
        if isinstance(self._buffer, np.ndarray):
            self._buffer[start:end] = more
        else:
            _write(self._buffer, start, end, more)
        self._used[0] = end
        rows = object.__new__(Rows)
        rows.__dict__.update(self.__dict__, _length=end)
        return rows

    def gather(self, places: Tensor) -> Any:
        """Returns the array or tensor of the rows at some places, of any shape."""
        if isinstance(self._buffer, np.ndarray):
            return self.value[places]
        return ops.take(self.value, places, axis=0)

    def take(self, places: Tensor) -> "Rows":
        """Returns the rows at some places `[n]`, in that order, as a copy."""
        return Rows(self.gather(places))

    def replaced(self, places: Tensor, values: Tensor) -> "Rows":
        """Returns a copy with other values at some places."""
        if isinstance(self._buffer, np.ndarray):
            copy = Rows(self.value)
            copy._buffer[places] = values
            return copy
        if not is_tensorflow():
            changed = np.array(ops.convert_to_numpy(self.value))
            changed[places] = ops.convert_to_numpy(values)
            return Rows(ops.convert_to_tensor(changed))
        places = np.asarray(places)[:, None]
        return Rows(tf.tensor_scatter_nd_update(self.value, places, values))


class UnloadedRows:
    """Rows of zeros in the place of those that a file holds, which take no memory.

    Args:
        shape: list of integers `[n, ...]`.
        dtype: string.
    """

    def __init__(self, shape: Sequence[int], dtype: str):
        self._shape, self._dtype = tuple(shape), dtype

    @property
    def value(self) -> Any:
        """The tensor of zeros."""
        return ops.zeros(self._shape, self._dtype)

    def append(self, more: Tensor) -> Rows:
        """Returns the zeros and other rows behind them."""
        return Rows(self.value).append(more)


def value_of(rows: Any) -> Tensor:
    """Returns the array or tensor of rows, or anything else as it is."""
    return rows.value if hasattr(rows, "append") else rows


def _allocated(values, capacity):
    shape = (capacity, *values.shape[1:])
    if isinstance(values, np.ndarray):
        buffer = np.empty(shape, values.dtype)
        buffer[: len(values)] = values
        return buffer
    if not is_tensorflow():
        return values
    # Zeros would take memory of the system, also for the rows that are ahead.
    empty = tf.raw_ops.Empty(shape=shape, dtype=values.dtype, init=False)
    variable = tf.Variable(empty, trainable=False)
    del empty  # which would be a reader
    _write(variable, 0, len(values), values)
    return variable


def _write(variable, start, end, values):
    # Writes in place, unless a thread reads: then TensorFlow copies first. A slice of
    # the variable would be such a reader.
    tf.raw_ops.ResourceStridedSliceAssign(
        ref=variable.handle, begin=[start], end=[end], strides=[1], value=values
    )
    # Otherwise each later reader would get a copy.
    tf.raw_ops.DisableCopyOnRead(resource=variable.handle)
