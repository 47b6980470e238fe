"""Inverses of positive definite matrices, also where no runtime knows them."""

import contextlib
import contextvars

from keras import ops

# Each squares the error: enough where the largest eigenvalue is 1e5 times the least.
ITERATIONS = 20

_by_products = contextvars.ContextVar("by_products", default=False)


def inverse(matrices):
    """Returns the inverses of symmetric positive definite matrices `[..., D, D]`."""
    if not _by_products.get():
        return ops.inv(matrices)
    # Newton's iteration, which finds it from any start up to the inverse of the largest
    # eigenvalue; that is at most the largest sum of a row.
    bound = ops.max(ops.sum(ops.abs(matrices), axis=-1), axis=-1)[..., None, None]
    found = ops.eye(matrices.shape[-1]) / bound
    for _ in range(ITERATIONS):
        found = 2.0 * found - ops.matmul(found, ops.matmul(matrices, found))
    return found


@contextlib.contextmanager
def inverses_by_products():
    """Within it `inverse` takes products alone, which every runtime knows.

    What is traced within it stays so. It is several times slower.
    """
    token = _by_products.set(True)
    try:
        yield
    finally:
        _by_products.reset(token)
