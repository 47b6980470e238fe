"""What a classifier knows: its classes, their memory, and the state made of it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops

from fsl_keras.classifier.class_scores import FEW
from fsl_keras.classifier.quantized_rows import QuantizedRows, is_vectors
from fsl_keras.classifier.rows import value_of
from fsl_keras.classifier.snapshots import Snapshot
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.classifier.task_weights import AT_A_TIME
from fsl_keras.typing import Model, Nested, Tensor


class KnowsClasses:
    """Mixin of a classifier: its classes, of which it stores everything once.

    What a learner restores from the state is not stored as memory too. The model has a
    `learner`, its `task` and `_snapshots`.
    """

    learner: Model
    task: Any
    _snapshots: Any
    _index_of_file: Any = None

    # No property, as Keras reads those of a model whenever it saves or loads it.
    def memory(self) -> dict[str, Tensor]:
        """Returns the learner's memory, a dictionary of tensors `[1, ...]`."""
        return self.learner.restore(self.task.memory, self.task.state)

    def memory_of(self, classes: Tensor) -> dict[str, Tensor]:
        """Returns the memory of some classes, for a learner that `appends_classes`.

        Args:
            classes: integer array `[n]`, the numbers of the classes.

        Returns:
            A dictionary of tensors `[1, n, ...]`.
        """
        memory, state = (
            {n: ops.convert_to_tensor(v.gather(classes)[None]) for n, v in rows.items()}
            for rows in (self.task.rows_of_memory, self.task.rows_of_state)
        )
        return self.learner.restore(memory, state)

    def know(
        self, class_names: Sequence[str], memory: Nested, examples: LearnedExamples
    ) -> None:
        """Replaces the classes, their memory and the state prepared from it.

        Args:
            class_names: list of strings.
            memory: the learner's memory, a dictionary of tensors `[1, ...]`.
            examples: `LearnedExamples` in the memory.
        """
        ways = len(class_names)
        if ways <= FEW or not self.learner.appends_classes:
            parts = iter([self._prepared(memory)])
        else:
            parts = (
                self._prepared(
                    {n: ops.convert_to_tensor(v[:, part]) for n, v in memory.items()}
                )
                for part in _parts(ways)
            )
        state = self.task.rows_of(parts, ways)
        stored = self.task.rows_of_arrays(self._stored(memory))
        self.task.replace_rows(stored, state, examples)
        self._now_knows(class_names)

    def know_quantized(self, mode: str) -> None:
        """Stores vectors of the state in 16 or 8 bits, also those of later classes.

        Args:
            mode: `"float16"` or `"int8"`.
        """
        current = self._snapshots.current
        ways = len(current.class_names)
        parts = (self.memory_of(np.arange(ways)[part]) for part in _parts(ways))
        self.task.quantization = mode
        state = self.task.rows_of((self._prepared(part) for part in parts), ways)
        self.task.replace_rows(self.task.rows_of_memory, state, self.task.learned)
        self._now_knows(current.class_names, current.index)

    def _prepared(self, memory: Nested) -> Nested:
        """Returns the state of a memory, that of what is stored of it in few bits."""
        state, mode = self.learner.prepare(memory), self.task.quantization
        if mode is None:
            return state
        # What a head computes from vectors, such as lengths, is of the rounded ones.
        rounded = {
            name: QuantizedRows.of(v[0], mode).value[None] if is_vectors(v[0]) else v
            for name, v in state.items()
        }
        return self.learner.prepare(self.learner.restore(self._stored(memory), rounded))

    def know_more(
        self, class_names: Sequence[str], memory: Nested, examples: LearnedExamples
    ) -> None:
        """Adds classes to those known, for a learner that `appends_classes`.

        Args:
            class_names: list of strings, the new names.
            memory: the learner's memory of the new classes alone.
            examples: `LearnedExamples` of the new classes, numbered from 0.
        """
        known = self._snapshots.current.class_names
        examples = self.task.learned + examples.shifted(len(known))
        state = self._prepared(memory)
        self._append(memory, state, examples)
        index = self._snapshots.current.index
        if index is not None:
            index.add(len(known), np.asarray(state["prototypes"])[0])
        self._now_knows([*known, *class_names], index)

    def know_again(
        self,
        class_names: Sequence[str],
        classes: np.ndarray,
        memory: Nested,
        examples: LearnedExamples,
    ) -> None:
        """Replaces some classes and adds others, for one that `appends_classes`.

        Args:
            class_names: list of all names, first those of the known classes.
            classes: integer array `[n]`, the numbers of the classes, ascending.
            memory: the learner's memory of these classes, tensors `[1, n, ...]`.
            examples: `LearnedExamples` of all classes.
        """
        state = self._prepared(memory)
        is_known = classes < len(self._snapshots.current.class_names)
        known = int(is_known.sum())
        if known:
            numbers = classes[:known]
            replaced = [
                {n: r.replaced(numbers, v[n][0, :known]) for n, r in rows.items()}
                for rows, v in (
                    (self.task.rows_of_memory, memory),
                    (self.task.rows_of_state, state),
                )
            ]
            self.task.replace_rows(replaced[0], replaced[1], examples)
        if known < len(classes):
            new = [{n: v[:, known:] for n, v in t.items()} for t in (memory, state)]
            self._append(new[0], new[1], examples)
        self._now_knows(class_names)

    def know_only(self, classes: np.ndarray, examples: LearnedExamples) -> None:
        """Removes all classes but some, for a learner that `appends_classes`.

        Args:
            classes: integer array `[n]`, the numbers of the classes to keep.
            examples: `LearnedExamples` of these classes.
        """
        memory, state = (
            {name: value.take(classes) for name, value in rows.items()}
            for rows in (self.task.rows_of_memory, self.task.rows_of_state)
        )
        known = self._snapshots.current.class_names
        self.task.replace_rows(memory, state, examples)
        self._now_knows([known[number] for number in classes])

    def know_those_of(
        self, other: "KnowsClasses", names: Sequence[str], examples: LearnedExamples
    ) -> None:
        """Adds the classes of another classifier, for one that `appends_classes`.

        Args:
            other: a classifier of the same learner.
            names: list of the names of all classes.
            examples: `LearnedExamples` of all classes.
        """
        self.task.append(other.task.memory, other.task.state, examples)
        self._now_knows(names)

    def _append(self, memory: Nested, state: Nested, examples: LearnedExamples) -> None:
        self.task.append(self._stored(memory), state, examples)

    def _stored(self, memory):
        restored = self.learner.restored
        return {name: v for name, v in memory.items() if name not in restored}

    def _now_knows(self, class_names, index=None):
        # Not as an attribute of the model, as Keras would track each name of a list.
        rows = self.task.rows_of_state
        self._snapshots.latest = Snapshot(list(class_names), rows, index)

    def _loaded(self) -> None:
        """Renews what depends on the weights, which were loaded."""
        names = self._snapshots.current.class_names
        restored = set(self.learner.restored) & set(self.task.rows_of_memory)
        if restored:  # from the file of an earlier version
            memory = {n: value_of(v)[None] for n, v in self.task.rows_of_memory.items()}
            self.know(names, memory, self.task.learned)
        else:
            self._now_knows(names, self._index_of_file)
        self._index_of_file = None


def _parts(ways) -> Iterator[slice]:
    """Yields slices of few classes at a time, at least one."""
    for start in range(0, max(ways, 1), AT_A_TIME):
        yield slice(start, start + AT_A_TIME)
