"""Random numbers that depend on a seed and an index alone."""

import tensorflow as tf


def fold_in(seed, index):
    """Derives an int64 `[2]` seed from an int64 `[2]` seed and an integer."""
    return tf.random.fold_in(seed, tf.cast(index, "int64"), alg="philox")


def uniform(seed, shape):
    """Draws float32 numbers in [0, 1), the same on every device and version."""
    return tf.random.stateless_uniform(shape, seed, alg="philox")


def ranking(seed, shape, most, valid=None):
    """Draws, along the last axis, the first `most` places of random orders.

    Args:
        seed: int64 `[2]`.
        shape: the shape of the numbers that are ranked.
        most: integer, how many places to keep.
        valid: optional bool of `shape`; places that are not valid come last.

    Returns:
        int32 `[..., most]`, different places, each order equally likely.
    """
    keys = uniform(seed, shape)
    if valid is not None:
        keys = tf.where(valid, keys, -1.0)
    return tf.math.top_k(keys, most).indices
