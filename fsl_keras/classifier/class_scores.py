"""Logits of very many classes, computed part by part."""

import itertools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from fsl_keras.classifier.quantized_rows import QuantizedRows
from fsl_keras.classifier.rows import value_of
from fsl_keras.classifier.snapshots import Snapshot
from fsl_keras.heads.sums import SCALES
from fsl_keras.imports.backend import is_tensorflow
from fsl_keras.typing import Model, Tensor

# Up to this number of classes logits are computed at once.
FEW = 4096

# The number of parts of more classes. TensorFlow computes parts at the same time, and a
# small part of quantized rows stays in the cache of a processor while it is read.
PARTS, QUANTIZED_PARTS = 8, 128

# The number of parts that are computed at the same time.
AT_A_TIME = 4

# The number of quantized classes that XLA scores at once for a single item, at most
# `FEW`. It is the same for any number of classes, as XLA compiles for each shape.
BLOCK = 4096


class ClassScores:
    """Computes the logits of features for the classes of a snapshot.

    Args:
        learner: a learner.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> learner = fsl.models.TransferLearner(backbone, "prototypes")
    >>> items = tf.constant([[0.0, 1.0], [2.0, 3.0]])
    >>> state = learner.adapt_state(items[None], tf.eye(2)[None])
    >>> snapshot = Snapshot(["a", "b"], {n: v[0] for n, v in state.items()})
    >>> ClassScores(learner).logits(snapshot, learner.embed(items[None])).shape
    TensorShape([2, 2])
    """

    def __init__(self, learner: Model):
        self._learner = learner
        self._compiled: dict[Any, Any] = {}
        # XLA reads 8 bits where TensorFlow would write and read 32 of a decoded part;
        # it does so for single items alone.
        self._score_block = tf.function(self._score, jit_compile=True)

    def parts(self, snapshot: Snapshot) -> int:
        """Returns the number of parts in which logits are computed; 1 for few classes.

        Args:
            snapshot: a `Snapshot`.
        """
        few = len(snapshot.class_names) <= FEW or not is_tensorflow()
        rows = snapshot.rows.values()
        # Exports have variables in the place of rows.
        are_rows = all(hasattr(value, "gather") for value in rows)
        if few or not are_rows or not self._learner.appends_classes:
            return 1
        is_quantized = any(isinstance(value, QuantizedRows) for value in rows)
        return QUANTIZED_PARTS if is_quantized else PARTS

    def logits(self, snapshot: Snapshot, features: Tensor) -> Tensor:
        """Returns logits `[B, N]`.

        Args:
            snapshot: a `Snapshot`.
            features: tensor `[1, B, *feature]`, see `EpisodicModel.score_features`.
        """
        parts = self.parts(snapshot)
        if parts == 1:
            return self._learner.score_features(snapshot.state, features)[0]
        tensors = {name: _tensors(rows) for name, rows in snapshot.rows.items()}
        if parts == QUANTIZED_PARTS and features.shape[1] == 1:
            blocks = -(-len(snapshot.class_names) // BLOCK)
            function = self._function(
                logits_in_blocks, self._score_block, blocks, tensors, features
            )
        else:
            function = self._function(
                logits_in_parts, self._score, parts, tensors, features
            )
        return function(tensors, features)

    def _score(self, part, features):
        """Returns the logits `[B, n]` of a part of the classes."""
        return self._learner.score_features(_state(part), features)[0]

    def _function(self, in_parts, score, parts, tensors, features):
        """Returns the function, compiled for any classes and for 1 or any items."""
        signature = tf.nest.map_structure(_spec, tensors)
        count = 1 if features.shape[1] == 1 else None
        items = tf.TensorSpec((1, count, *features.shape[2:]), features.dtype)
        key = (in_parts, parts, str(signature), str(items))
        if key not in self._compiled:

            def logits(tensors, features):
                return in_parts(lambda part: score(part, features), tensors, parts)

            self._compiled[key] = tf.function(logits, [signature, items])
        return self._compiled[key]


def logits_in_parts(
    score: Callable[[dict[str, Any]], Tensor], tensors: dict[str, Any], parts: int
) -> Tensor:
    """Returns logits `[B, N]`, computed for parts of the classes.

    Args:
        score: function from `tensors` of a part, `[n, ...]`, to logits `[B, n]`.
        tensors: dictionary of tensors `[N, ...]`, or of pairs of codes and scales.
        parts: integer, the number of parts.
    """
    count = tf.shape(tf.nest.flatten(tensors)[0])[0]
    bounds = [count * number // parts for number in range(parts + 1)]
    found: list[Tensor] = []
    for start, end in itertools.pairwise(bounds):
        # Otherwise TensorFlow would decode all parts before it multiplies the first.
        with tf.control_dependencies(found[-AT_A_TIME:][:1]):
            part = tf.nest.map_structure(lambda t: t[start:end], tensors)  # noqa: B023
            found.append(score(part))
    return tf.concat(found, axis=-1)


def logits_in_blocks(
    score: Callable[[dict[str, Any]], Tensor], tensors: dict[str, Any], blocks: int
) -> Tensor:
    """Returns logits `[B, N]`, computed for blocks of `BLOCK` classes.

    Args:
        score: function from `tensors` of a block, `[BLOCK, ...]`, to logits
            `[B, BLOCK]`.
        tensors: as for `logits_in_parts`, of at least `BLOCK` classes.
        blocks: integer, the number of blocks. The last one begins with classes of the
            one before if there are too few others.
    """
    last = tf.shape(tf.nest.flatten(tensors)[0])[0] - BLOCK
    found: list[Tensor] = []
    for number in range(blocks):
        start = tf.minimum(number * BLOCK, last)
        block = tf.nest.map_structure(lambda t: _rows(t, start), tensors)  # noqa: B023
        found.append(score(block)[:, number * BLOCK - start :])
    return tf.concat(found, axis=-1)


def _rows(tensor, start):
    """Returns `BLOCK` rows of a tensor, of known shape."""
    begin = [start, *[0] * (len(tensor.shape) - 1)]
    return tf.slice(tensor, begin, [BLOCK, *tensor.shape[1:]])


def _state(tensors):
    """Returns the state `[1, n, ...]` of tensors, or of pairs of codes and scales."""
    state: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if isinstance(value, tuple):
            codes, scales = (tensor[None] for tensor in value)
            # The head multiplies its products by the scales, which are fewer.
            state |= {name: tf.cast(codes, "float32"), SCALES: scales}
        else:
            state[name] = value[None]
    return state


def _tensors(rows):
    if isinstance(rows, QuantizedRows):
        return rows.codes.value, rows.scales.value
    return value_of(rows)


def _spec(tensor):
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)
