"""Adds examples to the memory of a learner."""

from collections.abc import Callable, Iterable

import numpy as np
from keras import ops

from fsl_keras.classifier.class_memory import ClassMemory, weighted_labels
from fsl_keras.classifier.task_examples import MAX_VALUES, LearnedExamples
from fsl_keras.digests import item_digest
from fsl_keras.model_selection import SupportSet
from fsl_keras.typing import Model, Nested

# The number of examples added to a memory at a time, as each addition may copy it.
REMEMBERED = 4096

# Distinguishes the digest of a description from that of the same text as an example.
DESCRIPTION = "description\0"


def learn(
    learner: Model,
    batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
    ways: int,
    memory: Nested | ClassMemory | None = None,
    examples: LearnedExamples | None = None,
    support: SupportSet | None = None,
    expansion: Model | None = None,
    source: Callable[[int], str | int] = int,
    max_values: int = MAX_VALUES,
    description_weight: float | None = None,
    embed: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[Nested | None, LearnedExamples]:
    """Adds examples to a memory; the same item twice for a class counts once.

    Args:
        learner: a learner.
        batches: iterable of triples: items `[b, *item]`, class numbers `[b]`, and the
            index of each among all examples as given.
        ways: integer, the number of classes.
        memory: optional memory of one task, to which the examples are added; or a
            `ClassMemory`, which changes.
        examples: optional `LearnedExamples` in `memory`.
        support: optional `SupportSet`, to which the new examples are added.
        expansion: optional `SupportExpansion`, which makes augmented copies of the new
            examples, to be learned as well.
        source: function from the index of an example to its path or index, a string or
            an integer.
        max_values: integer, the maximum number of values in the features that are kept.
        description_weight: optional float, the weight of the examples, which are then
            descriptions of their classes.
        embed: optional function from items to features. Defaults to the learner's.

    Returns:
        A pair: the memory (None if there was none and there are no examples, or it is
        in a `ClassMemory`) and the `LearnedExamples` in it.
    """
    examples = LearnedExamples() if examples is None else examples
    known = _Known(examples)
    waiting: list = []
    added = _Added(not learner.memory_holds_features, max_values)
    weight = description_weight or 1.0

    memories = _memories(learner, ways, memory)

    def remember():
        memories.add(*map(np.concatenate, zip(*waiting, strict=True)), weight)
        waiting.clear()

    for items, classes, rows in batches:
        known.add_classes(classes)
        new = []
        for place, (item, number) in enumerate(zip(items, classes, strict=True)):
            # A text that describes a class may be an example of it as well.
            item = item if description_weight is None else f"{DESCRIPTION}{item}"
            example = (item_digest(item), int(number))
            if example not in known:
                known[example] = rows[place]
                added.pairs.append(example)
                added.sources.append(source(rows[place]))
                new.append(place)
            elif support is not None:
                support.repeat(known[example], rows[place])
        if new:
            if len(new) < len(items):
                items, classes, rows = items[new], np.asarray(classes)[new], rows[new]
            features, copies = (embed or learner.features)(items), ()
            waiting.append((features, classes))
            if expansion is not None:
                more, numbers = expansion.transform(items, classes, (0, int(rows[0])))
                copies = learner.features(np.asarray(more)[len(items) :])
                waiting.append((copies, np.asarray(numbers)[len(items) :]))
            added.add(len(new), features, copies)
            if support is not None and description_weight is not None:
                support.describe(features, weighted_labels(classes, ways, weight))
            elif support is not None:
                images = items if learner.takes_images else None
                texts = items if learner.item_kind == "text" else None
                support.add(features, classes, rows, images, copies, texts)
        if sum(len(classes) for _, classes in waiting) >= REMEMBERED:
            remember()
    if waiting:
        remember()
    if added.pairs:
        more = added.examples(description_weight)
        examples = examples.joined(more, max_values) if len(examples) else more
    return (None if memories is memory else memories.of_all), examples


def relearn(learner: Model, examples: LearnedExamples, ways: int) -> Nested:
    """Returns the memory of examples, computed from their features.

    Args:
        learner: a learner.
        examples: `LearnedExamples` with features.
        ways: integer, the number of classes.
    """
    owners, features = np.asarray(examples.owners), np.asarray(examples.features)
    memories = _memories(learner, ways)
    for start in range(0, len(owners), REMEMBERED):
        part = slice(start, start + REMEMBERED)
        classes, weights = (
            values[owners[part]] for values in (examples.classes, examples.weights)
        )
        memories.add(features[part], classes, weights[:, None])
    return memories.of_all


class _WholeMemory:
    """The memory of a task, to which examples of any classes are added at once."""

    def __init__(self, learner, ways, memory):
        self._learner, self._ways, self.of_all = learner, ways, memory

    def add(self, features, classes, weights):
        more = self._learner.remember_features(
            ops.convert_to_tensor(features[None]),
            weighted_labels(classes, self._ways, weights)[None],
        )
        known = self.of_all
        self.of_all = more if known is None else self._learner.merge(known, more)


def _memories(learner, ways, memory=None):
    """Returns what examples are added to: a `ClassMemory` if the learner allows it."""
    if isinstance(memory, ClassMemory):
        return memory
    if not learner.appends_classes:
        return _WholeMemory(learner, ways, memory)
    if memory is None:
        return ClassMemory(learner, ways)
    arrays = {name: np.asarray(value) for name, value in memory.items()}
    return ClassMemory(
        learner, ways, lambda classes: {n: v[:, classes] for n, v in arrays.items()}
    )


class _Known(dict):
    """Maps known examples to the row in which they were given now, or None.

    Those that were known before are added when examples of their class come, so that a
    new class of a classifier of many examples costs no more than one of few.
    """

    def __init__(self, examples):
        super().__init__()
        self._pairs, self._classes = examples.pairs, set()

    def add_classes(self, classes):
        new = set(map(int, classes)) - self._classes
        self._classes |= new
        if new and len(self._pairs):
            pairs = self._pairs[np.isin(self._pairs[:, 1], list(new))]
            self.update(dict.fromkeys(map(tuple, pairs.tolist())))


class _Added:
    """Collects the examples that `learn` adds."""

    def __init__(self, keep, max_values):
        self.pairs, self.sources = [], []
        self._keep, self._max_values, self._size = keep, max_values, 0
        self._owners, self._features = [], []

    def add(self, count, features, copies):
        """Adds the features of the last `count` examples, and of their copies."""
        rows = len(self.pairs) - count + np.arange(count)
        self._owners += [rows, np.resize(rows, len(copies))]
        if self._keep:
            found = [features, copies] if len(copies) else [features]
            self._size += sum(part.size for part in found)
            if self._size <= self._max_values:
                self._features += found
            else:
                self._features = []

    def examples(self, description_weight):
        owners, features = np.concatenate(self._owners).astype("int64"), None
        if self._keep:
            if self._features:
                features = np.concatenate(self._features)
            else:
                owners = None
        weights = np.full(len(self.pairs), description_weight or 0.0)
        return LearnedExamples(
            self.pairs, None, self.sources, owners, features, weights
        )
