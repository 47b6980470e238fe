"""Rows of numbers in 16 or 8 bits, which are read as float32."""

from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from fsl_keras.classifier.rows import Rows, value_of
from fsl_keras.typing import Tensor

# The largest number that a mode stores. Each row is divided by a scale of its own, so
# that its largest number becomes this one.
LARGEST = {"float16": 1.0, "int8": 127.0}


class QuantizedRows:
    """The rows of an array in 16 or 8 bits with a scale each; see `Rows`.

    Args:
        codes: `Rows` of float16 or int8, `[n, ...]`.
        scales: `Rows` of float32 `[n]`, by which the codes of a row are multiplied.

    Example:

    >>> rows = QuantizedRows.of(tf.constant([[127.0, -63.6], [0.5, 0.25]]), "int8")
    >>> rows.codes.value.numpy().tolist()
    [[127, -64], [127, 64]]
    >>> rows.value.numpy().round(3)
    array([[127.   , -64.   ],
           [  0.5  ,   0.252]], dtype=float32)
    """

    def __init__(self, codes: Rows, scales: Rows):
        self.codes = codes
        self.scales = scales

    @classmethod
    def of(
        cls, values: Tensor, mode: str, expected: int | None = None
    ) -> "QuantizedRows":
        """Quantizes rows.

        Args:
            values: float32 tensor `[n, ...]`.
            mode: `"float16"` or `"int8"`.
            expected: optional integer, see `Rows`.
        """
        return cls(*(Rows(part, expected) for part in quantized(values, mode)))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def mode(self) -> str:
        """`"float16"` or `"int8"`."""
        return self.codes.value.dtype.name

    @property
    def value(self) -> Any:
        """The float32 tensor of all rows, a copy."""
        return dequantized(self.codes.value, self.scales.value)

    def append(self, more: Tensor) -> "QuantizedRows":
        """Returns these rows and others behind them, given in float32."""
        codes, scales = quantized(more, self.mode)
        return QuantizedRows(self.codes.append(codes), self.scales.append(scales))

    def gather(self, places: Tensor) -> Any:
        """Returns the float32 tensor of the rows at some places, of any shape."""
        return dequantized(self.codes.gather(places), self.scales.gather(places))

    def take(self, places: Tensor) -> "QuantizedRows":
        """Returns the rows at some places `[n]`, in that order, as a copy."""
        return QuantizedRows(self.codes.take(places), self.scales.take(places))

    def replaced(self, places: Tensor, values: Tensor) -> "QuantizedRows":
        """Returns a copy with other values, given in float32, at some places."""
        codes, scales = quantized(values, self.mode)
        return QuantizedRows(
            self.codes.replaced(places, codes), self.scales.replaced(places, scales)
        )


class QuantizedState(Mapping):
    """A state whose tensors `[1, ...]` are computed when they are asked for.

    It is no dictionary, as Keras reads those of a layer whenever it saves or loads it.

    Args:
        rows: dictionary of `Rows`, `QuantizedRows` and tensors.
    """

    def __init__(self, rows: Mapping[str, Any]):
        self._rows = rows

    def __getitem__(self, name: str) -> Tensor:
        return value_of(self._rows[name])[None]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def state_of(rows: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """Returns a state, tensors `[1, ...]` by name, of its rows."""
    state = QuantizedState(rows)
    is_quantized = any(isinstance(value, QuantizedRows) for value in rows.values())
    return state if is_quantized else dict(state)


def is_vectors(rows: Tensor) -> bool:
    """Returns whether rows can be quantized: float32 vectors or maps, not numbers."""
    return len(rows.shape) > 1 and rows.dtype == "float32"


def quantized(values: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    """Returns the codes `[n, ...]` and scales `[n]` of float32 rows."""
    axes = list(range(1, len(values.shape)))
    largest = tf.reduce_max(tf.abs(values), axis=axes, keepdims=True)
    scales = tf.where(largest > 0, largest, 1.0) / LARGEST[mode]
    codes = values / scales
    codes = tf.cast(tf.round(codes) if mode == "int8" else codes, mode)
    return codes, tf.reshape(scales, [-1])


def dequantized(codes: Tensor, scales: Tensor) -> Tensor:
    """Returns the float32 rows of codes `[n, ...]` and scales `[n]`."""
    axes = [1] * (len(codes.shape) - len(scales.shape))
    scales = tf.reshape(scales, [*tf.unstack(tf.shape(scales)), *axes])
    return tf.cast(codes, "float32") * scales
