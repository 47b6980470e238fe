"""Prototypes of earlier classes under a backbone that goes on training."""

import numpy as np

from fsl_keras.typing import Tensor


def compensate_drift(
    prototypes: Tensor, before: Tensor, after: Tensor, sigma: float = 0.3
) -> np.ndarray:
    """Moves prototypes as the embeddings near them moved ("drift compensation").

    When a backbone is trained on new classes, the prototypes of earlier classes stay
    where their examples were, which may be gone. Each is moved by the mean displacement
    of other examples, weighted by a Gaussian of their distance before training.

    Reference:

    - [Yu et al., 2020](https://arxiv.org/abs/2004.00440)

    Args:
        prototypes: floats `[C, D]`, the mean embeddings before training.
        before: floats `[n, D]`, the embeddings of examples before training.
        after: floats `[n, D]`, the embeddings of the same examples after it.
        sigma: float, the standard deviation of the Gaussian, in units of the distances
            of embeddings. Defaults to `0.3`, for embeddings of length one.

    Returns:
        Float64 array `[C, D]`, the prototypes after training.

    Raises:
        ValueError: if shapes do not match, there is no example, or `sigma` is not above
            0.

    Example:

    >>> before, after = np.array([[0.0], [1.0]]), np.array([[0.5], [1.0]])
    >>> compensate_drift([[0.0], [0.5]], before, after).round(3).tolist()
    [[0.498], [0.75]]
    """
    prototypes, before, after = (
        np.asarray(vectors, "float64") for vectors in (prototypes, before, after)
    )
    if before.shape != after.shape or before.shape[1:] != prototypes.shape[1:]:
        raise ValueError(
            f"`prototypes` must be [C, D], `before` and `after` [n, D]. Received the "
            f"shapes {prototypes.shape}, {before.shape} and {after.shape}"
        )
    if len(before) == 0:
        raise ValueError("`before` is empty: no example shows how embeddings moved.")
    if not sigma > 0:
        raise ValueError(f"`sigma` must be above 0. Received: sigma={sigma}")
    distances = np.square(prototypes[:, None] - before).sum(axis=-1)
    # Relative to the nearest one: of prototypes far from all, the weights would be 0.
    distances -= distances.min(axis=1, keepdims=True)
    weights = np.exp(-distances / (2 * sigma**2))
    weights /= weights.sum(axis=1, keepdims=True)
    return prototypes + weights @ (after - before)
