"""An approximate index of prototypes, by the package usearch."""

import threading
from typing import Any

import numpy as np

from fsl_keras.typing import Path

METRICS = {"cosine": "cos", "squared_euclidean": "l2sq"}
DTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "int8": "i8"}


class ClassIndex:
    """Finds the prototypes that are nearest to a vector, most of the time.

    It is a graph of near neighbors (HNSW, [Malkov and Yashunin,
    2016](https://arxiv.org/abs/1603.09320)) that holds a copy of the vectors. Threads
    may search and add at the same time.

    Args:
        dimensions: integer, the length of a vector.
        metric: `"cosine"` or `"squared_euclidean"`.
        dtype: `"float32"`, `"float16"`, `"bfloat16"` or `"int8"`, of the copy.
        connectivity: integer, the number of neighbors of a vector.
        expansion_add: integer, the number of candidates when a vector is added.
        expansion_search: integer, the number of candidates of a search.

    Raises:
        ImportError: if usearch is not installed.

    Example:

    >>> index = ClassIndex(2, "cosine")
    >>> index.add(0, np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
    >>> index.search(np.array([[0.1, 0.9]], "float32"), 1).tolist()
    [[1]]
    """

    def __init__(
        self,
        dimensions: int,
        metric: str,
        dtype: str = "bfloat16",
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 128,
    ):
        self._lock = threading.Lock()
        self._index = _usearch().Index(
            ndim=dimensions,
            metric=METRICS[metric],
            dtype=DTYPES[dtype],
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
        )

    def __len__(self) -> int:
        return len(self._index)

    @property
    def expansion_search(self) -> int:
        """The number of candidates of a search, which may be changed."""
        return self._index.expansion_search

    @expansion_search.setter
    def expansion_search(self, expansion_search: int) -> None:
        self._index.expansion_search = expansion_search

    def add(self, first: int, vectors: np.ndarray) -> None:
        """Adds the prototypes of classes.

        Args:
            first: integer, the number of the first class; the others follow.
            vectors: float32 array `[n, dimensions]`.
        """
        keys = first + np.arange(len(vectors), dtype="uint64")
        with self._lock:
            self._index.add(keys, vectors)

    def search(self, vectors: np.ndarray, count: int) -> np.ndarray:
        """Finds the nearest classes.

        Args:
            vectors: float32 array `[n, dimensions]`.
            count: integer, the number of classes to find for each.

        Returns:
            An integer array `[n, count]` of class numbers, the nearest first, which
            may be repeated; with fewer columns if there are fewer classes.
        """
        count = min(count, len(self))
        with self._lock:
            found = self._index.search(np.atleast_2d(vectors), count)
        keys = np.asarray(found.keys, "int64").reshape(len(vectors), -1)
        # Fewer may be found than asked for: the nearest again in their place.
        counts = np.reshape(getattr(found, "counts", keys.shape[1]), (-1, 1))
        return np.where(np.arange(keys.shape[1]) < counts, keys, keys[:, :1])

    def save(self, path: Path) -> None:
        """Writes the index into a file."""
        self._index.save(str(path))

    @classmethod
    def load(cls, path: Path) -> "ClassIndex":
        """Reads the file of an index."""
        index = object.__new__(cls)
        index._lock = threading.Lock()
        index._index = _usearch().Index.restore(str(path))
        return index


def _usearch() -> Any:
    try:
        import usearch.index
    except ImportError as error:
        raise ImportError(
            f"An index needs the package usearch, which is not installed ({error}): "
            f'pip install "fsl-keras[index]"'
        ) from error
    return usearch.index
