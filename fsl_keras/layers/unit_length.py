"""Vectors scaled to length one."""

from keras import ops

# The square of the shortest length that is told from zero.
SHORTEST = 1e-14


def to_unit_length(vectors, axis=-1):
    """Scales vectors to length one; one of zeros stays as it is.

    The numbers are those of `keras.ops.normalize`, which takes the inverse root of
    zero for a vector of zeros: LiteRT on a phone makes NaN of that.

    Args:
        vectors: float tensor.
        axis: int, the axis along which a vector lies.

    Returns:
        A tensor like `vectors`.

    Example:

    >>> import numpy as np
    >>> to_unit_length(np.array([[3.0, 4.0], [0.0, 0.0]], "float32")).numpy().round(6)
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    squares = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, SHORTEST))
