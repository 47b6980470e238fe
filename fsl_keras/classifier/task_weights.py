"""The memory, the state and the examples of one task, as weights."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.classifier.quantized_rows import QuantizedRows, is_vectors, state_of
from fsl_keras.classifier.rows import Rows, UnloadedRows, value_of
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.digests import weights_digest
from fsl_keras.imports.backend import most_precise
from fsl_keras.typing import Model, Tensor

# What fingerprints begin with that do not hold the paths of weights.
PREFIX = "names-"

# What the names of the scales of quantized rows end with in a `spec`.
SCALES = ":scales"

# The number of rows that are copied at a time, where all of them may be very many.
AT_A_TIME = 8192


class TaskWeights(keras.layers.Layer):
    """The memory, the state and the examples of one task, saved with the weights.

    Keras's variables have fixed shapes, and the shapes of a task change with its
    classes and examples. So these are no variables: the layer saves its arrays, and
    `spec` tells their shapes to the layer that loads them.

    Args:
        spec: optional dictionary, the `spec` of another instance.
        on_load: optional function without arguments, called after `set_weights`, also
            of a file.
        **kwargs: the `name` of the layer.

    Example:

    >>> import numpy as np
    >>> task = TaskWeights()
    >>> ones = np.ones((1, 2, 3), "float32")
    >>> task.replace({"sums": ones}, {"means": ones}, LearnedExamples())
    >>> task.spec["memory"]
    {'sums': [[2, 3], 'float32']}
    """

    def __init__(
        self,
        spec: dict | None = None,
        on_load: Callable[[], None] | None = None,
        **kwargs,
    ):
        super().__init__(dtype="float32", **kwargs)
        self._on_load = on_load
        self.quantization: str | None = None
        spec = spec or {}
        memory, state = (_zeros(spec.get(part, {})) for part in ("memory", "state"))
        self.replace_rows(memory, state, LearnedExamples())
        self._unloaded: dict | None = spec
        self.built = True

    @property
    def spec(self) -> dict:
        """The shapes and dtypes of all arrays, by part and name."""
        if self._unloaded:
            return self._unloaded
        return {
            part: {name: [list(v.shape), v.dtype.name] for name, v in tree.items()}
            for part, tree in self._arrays().items()
        }

    @property
    def memory(self) -> dict[str, Tensor]:
        """The learner's memory, a dictionary of tensors `[1, ...]`."""
        memory = self.rows_of_memory.items()
        return {name: _tensor(value_of(v)[None]) for name, v in memory}

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return state_of(self.rows_of_state)

    @property
    def rows_of_memory(self) -> dict[str, Any]:
        """The learner's memory, a dictionary of `Rows`, or of arrays without rows."""
        return self._content.memory

    @property
    def rows_of_state(self) -> dict[str, Any]:
        """The learner's state: `Rows`, `QuantizedRows`, or tensors without rows."""
        return self._content.state

    # No property, as Keras reads those of a layer whenever it saves or loads it.
    def examples(self) -> list[tuple[int, int]]:
        """Returns the examples, a list of pairs of digest and class number."""
        return [tuple(row) for row in self.learned.pairs.tolist()]

    @property
    def learned(self) -> LearnedExamples:
        """The examples in memory, a `LearnedExamples`."""
        return self._content.learned

    def replace(
        self,
        memory: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        examples: LearnedExamples,
    ) -> None:
        """Replaces memory, state and examples by those of another task, of any shape.

        Args:
            memory: dictionary of tensors `[1, ...]`.
            state: dictionary of tensors `[1, ...]`.
            examples: `LearnedExamples`.
        """
        rows = self.rows_of_arrays(memory)
        self.replace_rows(rows, self.rows_of([state]), examples)

    def replace_rows(
        self, memory: dict[str, Any], state: dict[str, Any], examples: LearnedExamples
    ) -> None:
        """Replaces memory, state and examples, given as rows.

        Args:
            memory: dictionary, see `rows_of_memory`.
            state: dictionary, see `rows_of_state`.
            examples: `LearnedExamples`.
        """
        # One assignment, as other threads may read.
        self._content = _Content(memory, state, examples)
        self._unloaded = None

    def rows_of_arrays(self, memory: Mapping[str, Tensor]) -> dict[str, Any]:
        """Returns a memory, tensors `[1, ...]`, as `rows_of_memory`."""
        return {name: Rows(v) if len(v.shape) else v for name, v in _first(memory)}

    def rows_of(
        self, parts: Iterable[Mapping[str, Tensor]], expected: int | None = None
    ) -> dict[str, Any]:
        """Returns a state as `rows_of_state`.

        Args:
            parts: iterable of dictionaries of tensors `[1, ...]`: the state, or parts
                of it that follow one another on axis 1.
            expected: optional integer, the number of rows of all parts.
        """
        rows: dict[str, Any] = {}
        for part in parts:
            for name, value in part.items():
                # Predictions need the state alone on their device.
                value = ops.convert_to_tensor(value)[0]
                if name in rows:
                    rows[name] = rows[name].append(value)
                else:
                    rows[name] = self._first_rows(value, expected)
        return rows

    def _first_rows(self, value, expected):
        if not len(value.shape):
            return value
        if self.quantization and is_vectors(value):
            return QuantizedRows.of(value, self.quantization, expected)
        return Rows(value, expected)

    def append(
        self,
        memory: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        examples: LearnedExamples,
    ) -> None:
        """Adds the memory, the state and the examples of further classes.

        It takes as long as the new classes need, whatever is there already.

        Args:
            memory: dictionary of tensors `[1, n, ...]` of `n` classes.
            state: dictionary of tensors `[1, n, ...]`.
            examples: `LearnedExamples`, old and new.
        """
        old = self._content
        self.replace_rows(
            {name: old.memory[name].append(value) for name, value in _first(memory)},
            {name: old.state[name].append(v[0]) for name, v in state.items()},
            examples,
        )

    def get_weights(self) -> list[np.ndarray]:
        """Returns all arrays, in the order of `spec`; zeros before they are loaded."""
        if self._unloaded:
            trees = self._unloaded.values()
            return [np.zeros(*like) for tree in trees for like in tree.values()]
        return [value for tree in self._arrays().values() for value in tree.values()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Replaces all arrays by those of a layer with the same `spec`."""
        spec = self.spec
        expected = [shape for tree in spec.values() for shape, _ in tree.values()]
        shapes = [list(np.shape(value)) for value in weights]
        if shapes != expected:
            raise ValueError(
                f"The weights are of another classifier: its arrays have the shapes "
                f"{shapes}, and {expected} are expected. Load the whole classifier by "
                f"`keras.saving.load_model`."
            )
        values = iter(weights)
        parts = {
            part: {
                name: np.asarray(next(values), dtype)
                for name, (_, dtype) in tree.items()
            }
            for part, tree in spec.items()
        }
        self.replace_rows(
            {n: Rows(v) if v.ndim else v for n, v in parts["memory"].items()},
            self._loaded_state(parts["state"]),
            LearnedExamples.from_arrays(parts["examples"]),
        )
        if self._on_load is not None:
            self._on_load()

    def _loaded_state(self, arrays):
        self.quantization, state = None, {}
        for name, value in arrays.items():
            if name + SCALES in arrays:
                self.quantization = value.dtype.name
                scales = _tensor_rows(arrays[name + SCALES])
                state[name] = QuantizedRows(_tensor_rows(value), scales)
            elif not name.endswith(SCALES):
                state[name] = _tensor_rows(value)
        return state

    def save_own_variables(self, store: MutableMapping) -> None:
        """Writes all arrays, in the order of `spec`."""
        for place, value in enumerate(self.get_weights()):
            store[str(place)] = value

    def load_own_variables(self, store: Mapping) -> None:
        """Reads the arrays of a layer with the same `spec`."""
        self.set_weights([np.asarray(store[str(n)]) for n in range(len(store.keys()))])

    def _arrays(self):
        content, state = self._content, {}
        for name, rows in content.state.items():
            if isinstance(rows, QuantizedRows):
                state[name] = np.asarray(rows.codes.value)
                state[name + SCALES] = np.asarray(rows.scales.value)
            else:
                state[name] = np.asarray(value_of(rows))
        memory = {name: np.asarray(value_of(v)) for name, v in content.memory.items()}
        examples = content.learned.to_arrays()
        return {"memory": memory, "state": state, "examples": examples}


@dataclasses.dataclass(frozen=True)
class _Content:
    memory: dict[str, Any]
    state: dict[str, Any]
    learned: LearnedExamples


def _tensor(value):
    if value.dtype == "float64":
        value = value.astype(most_precise())
    return ops.convert_to_tensor(value)


def _zeros(tree):
    """Returns zeros in the place of the arrays of a part of a `spec`."""
    return {
        name: UnloadedRows(shape, "float32" if name + SCALES in tree else dtype)
        if shape
        else ops.zeros((), dtype)
        for name, (shape, dtype) in tree.items()
        if not name.endswith(SCALES)
    }


def _first(tree):
    """Yields the names and the arrays `[...]` of tensors `[1, ...]`."""
    for name, value in tree.items():
        yield name, np.asarray(value)[0]


def _parts_of(values):
    """Yields parts of the rows of an array or a tensor."""
    for start in range(0, max(len(values), 1), AT_A_TIME):
        yield values[start : start + AT_A_TIME]


def _tensor_rows(array):
    """Returns the `Rows` of a tensor, copied from an array part by part."""
    if not array.ndim:
        return ops.convert_to_tensor(array)
    rows = None
    for part in _parts_of(array):
        part = ops.convert_to_tensor(part)
        rows = Rows(part, len(array)) if rows is None else rows.append(part)
    return rows


def fingerprint_of(learner: Model) -> str:
    """Returns a string that changes when any weight of a learner does."""
    return PREFIX + weights_digest(learner)


def has_fingerprint(learner: Model, fingerprint: str | None) -> bool:
    """Returns whether a fingerprint is that of the weights of a learner."""
    if fingerprint is None or fingerprint.startswith(PREFIX):
        return fingerprint == fingerprint_of(learner)
    # Those of earlier versions hold paths, which of a `Sequential` change in a file.
    paths = lambda weight: weight.path.split("/", 1)[-1], lambda weight: weight.path
    return any(fingerprint == weights_digest(learner, path) for path in paths)
