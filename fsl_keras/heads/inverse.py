"""Inverses of positive definite matrices, also for runtimes that lack the operation."""

import contextlib
import contextvars
from collections.abc import Iterator

from keras import ops

from fsl_keras.typing import Tensor

# Each iteration squares the error: enough up to a condition number of 1e5.
ITERATIONS = 20

_by_products = contextvars.ContextVar("by_products", default=False)


def inverse(matrices: Tensor) -> Tensor:
    """Returns the inverses of symmetric positive definite matrices `[..., D, D]`."""
    if not _by_products.get():
        return ops.inv(matrices)
    # Newton's iteration, which converges from any start up to the inverse of the
    # largest eigenvalue; the largest row sum is an upper bound of that eigenvalue.
    bound = ops.max(ops.sum(ops.abs(matrices), axis=-1), axis=-1)[..., None, None]
    estimate = ops.eye(matrices.shape[-1]) / bound
    for _ in range(ITERATIONS):
        product = ops.matmul(estimate, ops.matmul(matrices, estimate))
        estimate = 2.0 * estimate - product
    return estimate


def solve(matrices: Tensor, right: Tensor) -> Tensor:
    """Solves systems of symmetric positive definite matrices.

    Args:
        matrices: float tensor `[..., D, D]`.
        right: float tensor `[..., D, N]`.

    Returns:
        The solutions, a float tensor `[..., D, N]`.
    """
    if _by_products.get():
        return ops.matmul(inverse(matrices), right)
    return ops.solve(matrices, right)


@contextlib.contextmanager
def inverses_by_products() -> Iterator[None]:
    """Context in which `inverse` and `solve` use matrix products only.

    Every runtime has these. It applies to functions traced in the context. It is
    several times slower.
    """
    token = _by_products.set(True)
    try:
        yield
    finally:
        _by_products.reset(token)
