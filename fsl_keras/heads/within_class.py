"""What varies within the classes of a base, whichever class it is."""

import warnings

import numpy as np

from fsl_keras.typing import Tensor


def deviations(units: np.ndarray, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Returns the means of classes, and the deviations of embeddings from them.

    Args:
        units: float64 embeddings of unit length `[n, D]`.
        labels: integer array `[n]`, the class of each embedding.

    Returns:
        A pair: float64 `[N, D]` and `[n, D]`.

    Raises:
        ValueError: if no class has two different embeddings.
    """
    _, indices = np.unique(labels, return_inverse=True)
    one_hot = np.eye(indices.max() + 1)[indices]
    means = one_hot.T @ units / one_hot.sum(axis=0)[:, None]
    found = units - means[indices]
    if not found.any():
        raise ValueError(
            "The within-class covariance is zero: all embeddings of each base "
            "class are the same. Pass at least two different embeddings of a class."
        )
    return means, found


def common_directions(
    units: np.ndarray, labels: Tensor, shrinkage: float, count: int
) -> np.ndarray:
    """Estimates the directions that say little about the class of an embedding.

    These are the mean of the base classes, which all embeddings have in common, and
    the directions that vary most within classes. With `U` the result, embeddings `x`
    are whitened as `x - U U^T x`: the mean is removed, and each other direction is
    multiplied by the inverse root of its variance, which is first shrunk toward the
    mean variance. Directions of small variance stay as they are.

    Args:
        units: float64 embeddings of unit length `[n, D]`.
        labels: integer array `[n]`, the class of each embedding.
        shrinkage: float in (0, 1], the weight of the mean variance.
        count: integer, the number of directions beside the mean.

    Returns:
        float64 `[D, count + 1]`, with columns of zeros where there are fewer
        directions.

    Raises:
        ValueError: if there is one class, or no class has two different embeddings.
    """
    means, rest = deviations(units, labels)
    if len(means) < 2:
        raise ValueError(
            "The base has one class, whose mean cannot be told from what all classes "
            "have in common. Pass embeddings of at least two classes, better of ten."
        )
    if len(rest) - len(means) < count:
        warnings.warn(
            f"The base has {len(rest)} items of {len(means)} classes, too few to "
            f"estimate {count} directions that vary within classes. Pass more items "
            f"of each class.",
            stacklevel=3,
        )
    mean = means.mean(axis=0)
    length = np.linalg.norm(mean)
    mean /= max(length, np.finfo(mean.dtype).tiny)
    rest = rest - np.outer(rest @ mean, mean)
    values, vectors = np.linalg.eigh(rest.T @ rest / len(rest))
    values = np.maximum(values[::-1], 0)
    shrunk = (1 - shrinkage) * values + shrinkage * values.mean()
    kept = np.sqrt(shrunk[-1] / shrunk[:count])
    found = np.zeros((len(mean), count + 1))
    found[:, 0] = mean
    found[:, 1 : 1 + len(kept)] = vectors[:, ::-1][:, :count] * np.sqrt(1 - kept)
    return found
