"""Random numbers as functions of a seed and an index."""

from typing import Any

import tensorflow as tf

from fsl_keras.typing import Tensor

# The key and the algorithm of TensorFlow for `alg="philox"`, with identical results.
SCRAMBLE = 0x02461E293EC8F720
PHILOX = 1


def fold_in(seed: Tensor, index: int | Tensor) -> Tensor:
    """Derives an int64 `[2]` seed from an int64 `[2]` seed and an integer."""
    return tf.stack([_bits(seed, (), "int64"), tf.cast(index, "int64")])


def uniform(seed: Tensor, shape: Any) -> Tensor:
    """Draws float32 numbers in [0, 1), the same on every device, and under XLA."""
    # TensorFlow's own conversion of integers to floats gives other bits under XLA.
    integers = _bits(seed, shape, "uint32")
    low = tf.bitwise.bitwise_and(integers, tf.constant(2**23 - 1, "uint32"))
    return tf.cast(tf.cast(low, "int32"), "float32") * 2.0**-23


def between(low: float, high: float, draws: Tensor) -> Tensor:
    """Scales numbers in [0, 1) to numbers from `low` to `high`."""
    return low + (high - low) * draws


def ranking(seed: Tensor, shape: Any, most: int, valid: Tensor | None = None) -> Tensor:
    """Draws the first `most` places of random permutations along the last axis.

    Args:
        seed: int64 `[2]`.
        shape: the shape of the numbers that are ranked.
        most: integer, the number of places to keep.
        valid: optional bool of `shape`; places that are not valid come last.

    Returns:
        int32 `[..., most]`, different places, all orders equally likely.
    """
    keys = uniform(seed, shape)
    if valid is not None:
        keys = tf.where(valid, keys, -1.0)
    return tf.math.top_k(keys, most).indices


def _bits(seed, shape, dtype):
    """Draws integers over the whole range of their type.

    They are those of `tf.random.stateless_uniform`, with half as many nodes in a graph:
    that function splits the words of the scrambled seed into halves and joins them.
    """
    draw = tf.raw_ops.StatelessRandomUniformFullIntV2
    words = draw(
        shape=[2],
        key=tf.constant([SCRAMBLE], "uint64"),
        counter=tf.cast(seed, "uint64"),
        dtype="uint64",
        alg=PHILOX,
    )
    key, word = tf.split(words, 2)
    counter = tf.pad(word, [(1, 0)])
    return draw(shape=shape, key=key, counter=counter, dtype=dtype, alg=PHILOX)
