"""The plane in which vectors vary most."""

import numpy as np

# Up to this number of points or dimensions, a full decomposition is computed.
FULL = 500


def principal_plane(
    points: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Returns the center, two directions `[D, 2]`, and the variance they explain.

    These are the first two principal components, with signs that make figures
    reproducible. Points of two dimensions stay as they are.

    Args:
        points: float array `[n, D]`, `n` and `D` at least 2.

    Returns:
        A tuple: the center `[D]`, the directions `[D, 2]`, and two fractions of the
        variance, or None for points of two dimensions.

    Example:

    >>> points = np.array([[0.0, 1.0, 5.0], [0.0, -1.0, 5.0], [3.0, 0.0, 5.0]])
    >>> center, directions, explained = principal_plane(points)
    >>> explained.round(2).tolist()
    [0.75, 0.25]
    """
    if points.shape[1] == 2:
        return np.zeros(2), np.eye(2), None
    center = points.mean(axis=0)
    directions, variances = _leading(points - center)
    # Signs are arbitrary; fixing them makes figures reproducible.
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), [0, 1]])
    total = np.square(points - center).sum()
    return center, directions * signs, variances / max(total, 1e-30)


def _leading(points):
    """Returns the two leading right singular vectors `[D, 2]`, and their squares.

    Of large sets they are found by a randomized decomposition, as in scikit-learn
    ([Halko et al., 2009](https://arxiv.org/abs/0909.4061)): a full one takes seconds.
    """
    if min(points.shape) <= FULL:
        _, scales, rows = np.linalg.svd(points, full_matrices=False)
        return rows[:2].T, scales[:2] ** 2
    basis = np.random.default_rng(0).standard_normal((points.shape[1], 12))
    for _ in range(8):
        basis, _ = np.linalg.qr(points.T @ (points @ basis))
    _, scales, rows = np.linalg.svd(points @ basis, full_matrices=False)
    return basis @ rows[:2].T, scales[:2] ** 2
