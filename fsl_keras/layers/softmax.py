"""The softmax, also over a single class."""

from keras import ops

from fsl_keras.typing import Tensor


def softmax(logits: Tensor) -> Tensor:
    """Returns the softmax over the last axis.

    `keras.ops.softmax` warns where this axis has length one, as in tasks of one class;
    this does not.

    Args:
        logits: float tensor `[..., N]`.

    Returns:
        A tensor of the shape and dtype of `logits`.

    Example:

    >>> softmax(ops.zeros((1, 2))).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """
    return ops.exp(ops.log_softmax(logits, axis=-1))
