"""The most similar examples, outliers, and groups of nearly the same picture."""

import numpy as np

from fsl_keras.model_selection.support_set import NEAR, near_duplicates
from fsl_keras.reports.pictures import Pictures

# As in cleanlab 2.9: the number of nearest neighbors, and how many interquartile ranges
# above the third quartile of their mean distances an outlier begins.
NEIGHBORS, FENCE = 10, 1.7

# The number of similarities that are computed at a time (64 MB).
AT_A_TIME = 2**24


def nearest(
    vectors: np.ndarray,
    others: np.ndarray,
    count: int,
    left_out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nearest of other vectors by cosine similarity.

    Args:
        vectors: float array `[n, D]` of unit vectors.
        others: float array `[m, D]` of unit vectors, `m` at least 1.
        count: integer, how many to return, at most.
        left_out: optional integer array `[n]`, the place in `others` that is not
            compared with each vector, -1 for none.

    Returns:
        Integer places in `others` and float similarities, `[n, min(count, m)]`, the
        most similar first. The similarity to a place that is left out is -2.

    Example:

    >>> points = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> places, similarities = nearest(points, points, 1, np.arange(3))
    >>> places[:, 0].tolist(), similarities[:, 0].tolist()
    ([1, 2, 1], [0.6, 0.8, 0.8])
    """
    count = min(count, len(others))
    places = np.zeros((len(vectors), count), int)
    similarities = np.zeros((len(vectors), count), vectors.dtype)
    step = max(1, AT_A_TIME // len(others))
    for start in range(0, len(vectors), step):
        part = slice(start, start + step)
        found = vectors[part] @ others.T
        if left_out is not None:
            rows = np.flatnonzero(left_out[part] >= 0)
            found[rows, left_out[part][rows]] = -2
        order = np.argsort(-found, axis=1, kind="stable")[:, :count]
        places[part] = order
        similarities[part] = np.take_along_axis(found, order, axis=1)
    return places, similarities


def neighbors(pictures: Pictures, is_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nearest other examples of each picture.

    Args:
        pictures: `Pictures`.
        is_test: bool array `[n]`, the pictures that are no examples.

    Returns:
        Integer indices and float cosine similarities, `[n, k]`, the most similar first;
        `k` is 10, or less if there are fewer examples.
    """
    vectors, examples = pictures.unit_vectors, np.flatnonzero(~is_test)
    if len(examples) < 2:
        return np.zeros((len(vectors), 0), int), np.zeros((len(vectors), 0), "float32")
    own = np.full(len(vectors), -1)
    own[examples] = np.arange(len(examples))
    count = min(NEIGHBORS, len(examples) - 1)
    places, similarities = nearest(vectors, vectors[examples], count, own)
    return examples[places], similarities


def outliers(distances: np.ndarray, is_test: np.ndarray) -> np.ndarray:
    """Returns the indices of pictures that are far from all examples, farthest first.

    Args:
        distances: float array `[n]`, the mean distance to the nearest examples.
        is_test: bool array `[n]`.

    Example:

    >>> outliers(np.array([0.1, 0.2, 0.1, 0.9, 0.2, 0.1]), np.zeros(6, bool)).tolist()
    [3]
    """
    low, high = (
        np.percentile(distances[~is_test], [25, 75]) if not is_test.all() else (0, 0)
    )
    far = np.flatnonzero(distances > high + FENCE * (high - low) + 1e-6)
    return far[np.argsort(-distances[far], kind="stable")]


def groups_of_copies(pictures: Pictures) -> np.ndarray:
    """Returns the group `[n]` of nearly the same pictures that each belongs to.

    Near duplicates are those of `model_selection`: resized, compressed again, or
    brightened. Where there is no picture, only the same picture is found.
    """
    small = pictures.small.reshape(len(pictures), -1).astype("float32")
    keys = np.unique(pictures.digests, return_inverse=True)[1]
    return near_duplicates(small - small.mean(axis=1, keepdims=True), NEAR, keys)[1]
