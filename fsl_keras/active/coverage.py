"""Points that represent a set: the greedy solution of generalized coverage."""

import heapq

import numpy as np

# The maximum number of similarities that are computed at a time (128 MB).
AT_A_TIME = 2**24


def cover(
    vectors: np.ndarray, count: int, centers: np.ndarray | None = None
) -> np.ndarray:
    """Chooses vectors to which all vectors are as similar as possible ("MaxHerding").

    The coverage of a vector is its largest cosine similarity to a center, at least 0.
    Each choice adds most to the sum of the coverages of all vectors. This sum is at
    least 63 % of that of the best choice. So vectors in the middle of many others come
    first, and outliers last.

    Reference:

    - [Bae et al., 2024](https://arxiv.org/abs/2407.12212)

    Args:
        vectors: float array `[n, D]`.
        count: integer, the number to choose, at most.
        centers: optional float array `[m, D]`, the centers that there are already.

    Returns:
        An integer array, the indices of the chosen vectors, in order.

    Example:

    >>> points = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]])
    >>> cover(points, 2).tolist()
    [0, 3]
    """
    units = _units(vectors)
    covered = np.zeros(len(units))
    step = max(1, AT_A_TIME // max(1, len(units)))
    if centers is not None:
        known = _units(centers)
        for start in range(0, len(known), step):
            found = units @ known[start : start + step].T
            covered = np.maximum(covered, found.max(axis=1))
    gains = [
        np.maximum(units @ units[start : start + step].T - covered[:, None], 0).sum(0)
        for start in range(0, len(units), step)
    ]
    heap = [(-gain, index) for index, gain in enumerate(np.concatenate(gains))]
    heapq.heapify(heap)
    chosen: list[int] = []
    while heap and len(chosen) < count:
        # A gain never grows when others are chosen. So if the one that was largest is
        # still the largest now, the others need not be computed again.
        _, index = heapq.heappop(heap)
        found = units @ units[index]
        gain = np.maximum(found - covered, 0).sum()
        if heap and (-gain, index) > heap[0]:
            heapq.heappush(heap, (-gain, index))
        else:
            chosen.append(index)
            covered = np.maximum(covered, found)
    return np.asarray(chosen)


def _units(vectors):
    vectors = np.asarray(vectors, "float64")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
