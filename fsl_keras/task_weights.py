"""What a learner keeps of one task: how it is gathered, and how it is stored."""

import hashlib

import keras
import numpy as np
from keras import ops

# Examples are remembered so many at a time: heads that keep them all would copy what
# they have at each batch.
REMEMBERED = 4096


class TaskWeights(keras.layers.Layer):
    """The memory, the state and the examples of one task, as weights.

    A Keras layer fixes its weights when it is built. Those of a task change shape
    when classes or examples come, so `replace` makes them anew, and a configuration
    that holds `spec` makes them again before they are loaded.

    Args:
        spec: optional dictionary, what the `spec` of another one gives.
        **kwargs: the `name` of the layer.

    Example:

    >>> task = TaskWeights()
    >>> ones = np.ones((1, 2, 3), "float32")
    >>> task.replace(memory={"sums": ones}, state={"means": ones}, examples=[])
    >>> task.spec["memory"]
    {'sums': [[2, 3], 'float32']}
    """

    def __init__(self, spec=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self._parts = {}
        self._make(spec or {})
        self.built = True

    @property
    def spec(self):
        """The shapes and dtypes of all weights, by part and name."""
        return {
            part: {name: [list(v.shape), v.dtype] for name, v in tree.items()}
            for part, tree in self._parts.items()
        }

    @property
    def memory(self):
        """The learner's memory, a dictionary of tensors `[1, ...]`."""
        return {name: v[None] for name, v in self._parts["memory"].items()}

    @property
    def state(self):
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return {name: v[None] for name, v in self._parts["state"].items()}

    @property
    def examples(self):
        """The examples in memory, a list of pairs of digest and class number."""
        rows = ops.convert_to_numpy(self._parts["examples"]["digests"])
        return [tuple(row) for row in rows.tolist()]

    def replace(self, memory, state, examples):
        """Takes the memory, state and examples of another task, of any shape."""
        digests = np.asarray(examples, "int64").reshape(-1, 2)
        values = {
            "memory": _of_one_task(memory),
            "state": _of_one_task(state),
            "examples": {"digests": digests},
        }
        self._make(
            {
                part: {name: [list(v.shape), str(v.dtype)] for name, v in tree.items()}
                for part, tree in values.items()
            }
        )
        for part, tree in self._parts.items():
            for name, variable in tree.items():
                variable.assign(values[part][name])

    def _make(self, spec):
        # Keras has no public way to replace the weights of a layer.
        for variable in list(self.weights):
            self._untrack_variable(variable)
        self._tracker.unlock()
        self._parts = {
            part: {
                name: self.add_weight(
                    shape=tuple(shape),
                    dtype=dtype,
                    initializer="zeros",
                    trainable=False,
                    name=f"{part}_{name}",
                )
                for name, (shape, dtype) in tree.items()
            }
            for part, tree in spec.items()
        }


def learn(
    learner, batches, ways, memory=None, examples=(), support=None, expansion=None
):
    """Adds examples to a memory; the same item twice for a class counts once.

    Args:
        learner: a learner.
        batches: iterable of triples: items `[b, *item]`, class numbers `[b]`, and the
            index of each among all that were given.
        ways: integer, the number of classes.
        memory: optional memory of one task, to which the examples are added.
        examples: the examples in `memory`, as `TaskWeights.examples`.
        support: optional `SupportSet`, to which the new examples are added.
        expansion: optional `SupportExpansion`, which makes augmented copies of the new
            examples, to be learned as well.

    Returns:
        A pair: the memory (None if there was none and no example came) and the
        list of all examples in it.
    """
    known, waiting = dict.fromkeys(examples), []

    def remembered():
        features, classes = map(np.concatenate, zip(*waiting, strict=True))
        labels = np.eye(ways, dtype="float32")[classes]
        more = learner.remember_features(
            ops.convert_to_tensor(features[None]), labels[None]
        )
        return more if memory is None else learner.merge(memory, more)

    for items, classes, rows in batches:
        new = []
        for place, (item, number) in enumerate(zip(items, classes, strict=True)):
            example = (_digest(item), int(number))
            if example not in known:
                known[example] = rows[place]
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
            if support is not None:
                images = items if learner.takes_pictures else None
                support.add(features, classes, rows, images, copies)
        if sum(len(classes) for _, classes in waiting) >= REMEMBERED:
            memory, waiting = remembered(), []
    if waiting:
        memory = remembered()
    return memory, list(known)


def fingerprint_of(learner):
    """Returns a string that changes when any weight of a learner does."""
    digest = hashlib.sha256()
    for weight in learner.weights:
        # Of the ways to a variable's numbers this is by far the fastest.
        value = np.ascontiguousarray(weight.value.value())
        digest.update(f"{weight.path.split('/', 1)[-1]}{value.shape}".encode())
        digest.update(value.view("uint8"))
    return digest.hexdigest()


def _digest(item):
    if not isinstance(item, bytes):
        item = np.asarray(item)
        item = np.ascontiguousarray(item) if item.ndim else item.tobytes()
    # Of all digests here, processors compute this one fastest.
    digest = hashlib.sha256(item).digest()[:8]
    return int.from_bytes(digest, "big", signed=True)


def _of_one_task(tree):
    return {name: ops.convert_to_numpy(value)[0] for name, value in tree.items()}
