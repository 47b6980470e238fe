"""How a learner gathers its memory of examples."""

import numpy as np
from keras import ops

from fsl_keras.classifier.task_examples import MOST_KEPT, LearnedExamples
from fsl_keras.digests import item_digest

# Examples are remembered so many at a time: heads that keep them all would copy what
# they have at each batch.
REMEMBERED = 4096


def learn(
    learner,
    batches,
    ways,
    memory=None,
    examples=None,
    support=None,
    expansion=None,
    source=int,
):
    """Adds examples to a memory; the same item twice for a class counts once.

    Args:
        learner: a learner.
        batches: iterable of triples: items `[b, *item]`, class numbers `[b]`, and the
            index of each among all that were given.
        ways: integer, the number of classes.
        memory: optional memory of one task, to which the examples are added.
        examples: optional `LearnedExamples` in `memory`.
        support: optional `SupportSet`, to which the new examples are added.
        expansion: optional `SupportExpansion`, which makes augmented copies of the new
            examples, to be learned as well.
        source: function from the index of an example to what it was read from, a
            string or an integer.

    Returns:
        A pair: the memory (None if there was none and no example came) and the
        `LearnedExamples` in it.
    """
    examples = LearnedExamples() if examples is None else examples
    known, waiting = dict.fromkeys(map(tuple, examples.pairs.tolist())), []
    added = _Added(keep=not learner.memory_holds_features)

    def remembered():
        features, classes = map(np.concatenate, zip(*waiting, strict=True))
        more = _memory_of(learner, features, classes, ways)
        return more if memory is None else learner.merge(memory, more)

    for items, classes, rows in batches:
        new = []
        for place, (item, number) in enumerate(zip(items, classes, strict=True)):
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
            features, copies = learner.features(items), ()
            waiting.append((features, classes))
            if expansion is not None:
                more, numbers = expansion.transform(items, classes, (0, int(rows[0])))
                copies = learner.features(np.asarray(more)[len(items) :])
                waiting.append((copies, np.asarray(numbers)[len(items) :]))
            added.add(len(new), features, copies)
            if support is not None:
                images = items if learner.takes_images else None
                support.add(features, classes, rows, images, copies)
        if sum(len(classes) for _, classes in waiting) >= REMEMBERED:
            memory, waiting = remembered(), []
    if waiting:
        memory = remembered()
    if added.pairs:
        examples = examples + added.examples() if len(examples) else added.examples()
    return memory, examples


def relearn(learner, examples, ways):
    """Returns the memory of examples whose features are kept.

    Args:
        learner: a learner.
        examples: `LearnedExamples` with features.
        ways: integer, the number of classes.
    """
    classes, memory = examples.classes[examples.owners], None
    for start in range(0, len(classes), REMEMBERED):
        part = slice(start, start + REMEMBERED)
        more = _memory_of(learner, examples.features[part], classes[part], ways)
        memory = more if memory is None else learner.merge(memory, more)
    return memory


class _Added:
    """The examples that `learn` adds, as they come."""

    def __init__(self, keep):
        self.pairs, self.sources = [], []
        self._keep, self._size = keep, 0
        self._owners, self._features = [], []

    def add(self, count, features, copies):
        """Adds the features of the last `count` examples, and of their copies."""
        rows = len(self.pairs) - count + np.arange(count)
        self._owners += [rows, np.resize(rows, len(copies))]
        if self._keep:
            found = [features, copies] if len(copies) else [features]
            self._size += sum(part.size for part in found)
            if self._size <= MOST_KEPT:
                self._features += found
            else:
                self._features = []

    def examples(self):
        owners, features = np.concatenate(self._owners).astype("int64"), None
        if self._keep:
            if self._features:
                features = np.concatenate(self._features)
            else:
                owners = None
        return LearnedExamples(self.pairs, None, self.sources, owners, features)


def _memory_of(learner, features, classes, ways):
    labels = np.eye(ways, dtype="float32")[classes]
    return learner.remember_features(
        ops.convert_to_tensor(features[None]), labels[None]
    )
