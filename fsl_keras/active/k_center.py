"""Points that cover a set: the greedy solution of the k-center problem."""

import numpy as np


def k_center(
    vectors: np.ndarray, count: int, centers: np.ndarray | None = None
) -> np.ndarray:
    """Chooses vectors, each as far as possible from all centers before it.

    The largest distance of a vector to its nearest center is at most twice that of the
    best choice. Without centers the first choice is the vector that is nearest to the
    mean.

    Reference:

    - [Gonzalez, 1985](https://doi.org/10.1016/0304-3975(85)90224-5)

    Args:
        vectors: float array `[n, D]`.
        count: integer, the number to choose, at most.
        centers: optional float array `[m, D]`, the centers that there are already.

    Returns:
        An integer array, the indices of the chosen vectors, in order.

    Example:

    >>> points = np.array([[0.0], [1.0], [7.0], [10.0]])
    >>> k_center(points, 2, centers=np.array([[0.5]])).tolist()
    [3, 2]
    """
    vectors = np.asarray(vectors, "float64")
    count = min(count, len(vectors))
    chosen: list[int] = []
    if centers is None or not len(centers):
        offsets = np.sum(np.square(vectors - vectors.mean(axis=0)), axis=1)
        chosen.append(int(offsets.argmin()))
        nearest = _distances(vectors, vectors[chosen[0]])
    else:
        nearest = np.full(len(vectors), np.inf)
        for center in np.asarray(centers, "float64"):
            nearest = np.minimum(nearest, _distances(vectors, center))
    nearest[chosen] = -1.0
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _distances(vectors, vectors[chosen[-1]]))
        # Never again, also if it is equal to a center.
        nearest[chosen] = -1.0
    return np.asarray(chosen)


def _distances(vectors, center):
    return np.sum(np.square(vectors - center), axis=1)
