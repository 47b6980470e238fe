"""Embeddings as points of the plane."""

import numpy as np

from fsl_keras.plots.plane import principal_plane

PROJECTIONS = ("pca", "umap")


def check_projection(projection: str) -> None:
    """Raises an error if a projection is unknown, or its package is missing."""
    if projection not in PROJECTIONS:
        raise ValueError(
            f"`projection` must be one of {PROJECTIONS}. "
            f"Received: projection={projection!r}"
        )
    if projection == "umap":
        _umap()


def project(vectors: np.ndarray, projection: str) -> tuple[np.ndarray, list[str]]:
    """Projects vectors on a plane.

    Args:
        vectors: float array `[n, D]`.
        projection: `"pca"`, the first two principal components, or `"umap"`,
            [McInnes et al., 2018](https://arxiv.org/abs/1802.03426) by cosine
            distances, which keeps neighbors together and takes longer.

    Returns:
        Float array `[n, 2]`, and the names of the two axes.

    Example:

    >>> points, axes = project(np.eye(3), "pca")
    >>> points.shape, axes
    ((3, 2), ['component 1 (50%)', 'component 2 (50%)'])
    """
    if min(vectors.shape) < 2:
        return np.zeros((len(vectors), 2)), ["", ""]
    # UMAP needs more neighbors than the smallest sets have.
    if projection == "umap" and len(vectors) > 15:
        points = _umap().UMAP(metric="cosine", random_state=0).fit_transform(vectors)
        return np.asarray(points), ["UMAP 1", "UMAP 2"]
    center, directions, explained = principal_plane(np.asarray(vectors, "float64"))
    names = ["dimension 1", "dimension 2"]
    if explained is not None:
        names = [f"component {i + 1} ({explained[i]:.0%})" for i in range(2)]
    return (vectors - center) @ directions, names


def _umap():
    try:
        import umap
    except ImportError:
        raise ImportError(
            'The projection "umap" needs a package: pip install umap-learn. Or use '
            '"pca", which needs none.'
        ) from None
    return umap
