"""Random numbers that depend on a seed and an index alone."""

import tensorflow as tf


def fold_in(seed, index):
    """Derives an int64 `[2]` seed from an int64 `[2]` seed and an integer."""
    return tf.random.fold_in(seed, tf.cast(index, "int64"), alg="philox")


def uniform(seed, shape):
    """Draws float32 numbers in [0, 1), the same on every device, and under XLA."""
    # From the same integers TensorFlow makes floats of other bits under XLA.
    integers = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype="uint32", alg="philox"
    )
    low = tf.bitwise.bitwise_and(integers, tf.constant(2**23 - 1, "uint32"))
    return tf.cast(tf.cast(low, "int32"), "float32") * 2.0**-23


def between(low, high, draws):
    """Turns numbers in [0, 1) into numbers from `low` to `high`."""
    return low + (high - low) * draws


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
