"""L2 normalization that every runtime computes alike."""

from keras import ops

from fsl_keras.typing import Tensor

# The smallest squared length that is divided by.
EPSILON = 1e-14


def to_unit_length(vectors: Tensor, axis: int = -1) -> Tensor:
    """Scales vectors to length one; a vector of zeros stays as it is.

    The result is bit-identical to that of `keras.ops.normalize`, which takes the
    inverse root of zero for a vector of zeros: in LiteRT, and in the gradient, this is
    NaN.

    Args:
        vectors: float tensor.
        axis: integer, the axis of the components of a vector.

    Returns:
        A tensor of the shape and dtype of `vectors`.

    Example:

    >>> import numpy as np
    >>> to_unit_length(np.array([[3.0, 4.0], [0.0, 0.0]], "float32")).numpy().round(6)
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    squares = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    return vectors * inverse_length(squares)


def inverse_length(squares: Tensor) -> Tensor:
    """Returns the factor that scales a vector of a given squared length to length 1.

    Args:
        squares: float tensor.

    Returns:
        A tensor of the shape and dtype of `squares`.

    Example:

    >>> float(inverse_length(ops.convert_to_tensor(4.0)))
    0.5
    """
    return ops.rsqrt(ops.maximum(squares, EPSILON))
