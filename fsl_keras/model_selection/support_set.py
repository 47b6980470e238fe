"""The support set of a classifier: features, classes and near duplicates."""

import collections
import functools
import math
import unicodedata
from collections.abc import Sequence

import numpy as np

from fsl_keras.images import fit
from fsl_keras.typing import Tensor

# Images whose thumbnails have a correlation above this are near duplicates: resized,
# compressed again, brightened, or taken in the same moment.
NEAR, THUMBNAIL = 0.99, (16, 16)

# Features with a cosine similarity above this differ by rounding alone.
SAME = 1 - 1e-6

# The number of vectors that are compared with all others at a time.
ROWS = 256


class SupportSet:
    """The features and classes of the examples of a classifier, added in batches.

    Args:
        most: optional integer, the maximum number of examples per class. Later ones are
            ignored, so that memory is bounded.

    Example:

    >>> support = SupportSet()
    >>> support.add(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1])
    >>> support.add(np.array([[2.0, 0.0]]), [0])
    >>> support.labels.tolist(), support.groups.tolist()
    ([0, 1, 0], [0, 1, 0])
    """

    def __init__(self, most: int | None = None):
        self.most = most
        self._counts: collections.Counter[int] = collections.Counter()
        self._batches: list[dict[str, np.ndarray]] = []
        self._repeats: list[tuple[int, int]] = []
        self._described: list[tuple[np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        return sum(len(batch["labels"]) for batch in self._batches)

    def add(
        self,
        features: Tensor,
        labels: Tensor,
        rows: Tensor | None = None,
        images: Tensor | None = None,
        copies: Tensor = (),
        texts: Sequence[str] | np.ndarray | None = None,
    ) -> None:
        """Adds examples.

        Args:
            features: float array `[n, *feature]`.
            labels: integers `[n]`, the class of each.
            rows: optional integers `[n]`, the index of each among the examples as
                given.
            images: optional float images `[n, H, W, C]` in [0, 1], by which near
                duplicates are found. By default they are found by features.
            copies: optional features `[k * n, *feature]` of augmented copies: a copy of
                each example in order, `k` times. They are in the same fold as their
                example, and are not predicted.
            texts: optional strings `[n]`. Texts that differ in case, or in blanks and
                punctuation at their ends, are near duplicates, and so are those of
                equal features.
        """
        if rows is None:
            rows = len(self) + np.arange(len(labels))
        kept = [i for i, label in enumerate(labels) if self._takes(label)]
        if not kept:
            return
        every = np.arange(len(copies)).reshape(-1, len(labels))
        copies = np.asarray(copies)[every[:, kept].ravel()] if len(copies) else ()
        features, labels, rows = (
            np.asarray(part)[kept] for part in (features, labels, rows)
        )
        images = None if images is None else images[kept]
        keys = [] if texts is None else [text_key(texts[i]) for i in kept]
        numbers = len(self) + np.arange(len(labels))
        batch = {
            "features": features,
            "labels": labels,
            "rows": rows,
            "copies": copies if len(copies) else features[:0],
            "copied": np.resize(numbers, len(copies)),
            "thumbnails": np.zeros((0, 1)) if images is None else thumbnails(images),
            "keys": np.asarray(keys, object),
        }
        self._batches.append({name: np.asarray(part) for name, part in batch.items()})
        self.__dict__.pop("_near", None)

    def _takes(self, label):
        self._counts[int(label)] += 1
        return self.most is None or self._counts[int(label)] <= self.most

    def describe(self, features: Tensor, labels: Tensor) -> None:
        """Adds descriptions of classes, which are learned from but not predicted.

        Args:
            features: float array `[n, *feature]`.
            labels: float32 array `[n, N]`, the one-hot class of each, times its weight.
        """
        self._described.append((np.asarray(features), np.asarray(labels)))

    def repeat(self, row: int, other: int) -> None:
        """Records that two of the examples as given are the same item."""
        self._repeats.append((int(row), int(other)))

    @property
    def features(self) -> np.ndarray:
        """Float32 array `[n, *feature]`."""
        return self._joined("features").astype("float32", copy=False)

    @property
    def labels(self) -> np.ndarray:
        """Integer array `[n]`, the class of each example."""
        return self._joined("labels")

    @property
    def rows(self) -> np.ndarray:
        """Integer array `[n]`, the index of each among the examples as given."""
        return self._joined("rows")

    @property
    def copies(self) -> np.ndarray:
        """Float32 array `[m, *feature]` of augmented copies."""
        return self._joined("copies").astype("float32", copy=False)

    @property
    def copied(self) -> np.ndarray:
        """Integer array `[m]`, the example of each augmented copy."""
        return self._joined("copied")

    @property
    def descriptions(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Features `[m, *feature]` and labels `[m, N]` of descriptions, or None."""
        if not self._described:
            return None
        features, labels = map(np.concatenate, zip(*self._described, strict=True))
        return features.astype("float32", copy=False), labels

    @property
    def groups(self) -> np.ndarray:
        """Integer array `[n]`, the group of near duplicates of each example."""
        return self._near[1]

    @property
    def duplicates(self) -> list[tuple[int, int]]:
        """List of pairs of near duplicates, by index among the examples as given."""
        rows = self.rows.tolist()
        return sorted(self._repeats + [(rows[i], rows[j]) for i, j in self._near[0]])

    @functools.cached_property
    def _near(self):
        small = self._joined("thumbnails")
        if len(small) == len(self):
            return near_duplicates(small, NEAR)
        keys = self._joined("keys")
        return near_duplicates(
            self.features.reshape(len(self), -1),
            SAME,
            np.unique(keys, return_inverse=True)[1] if len(keys) else None,
        )

    def _joined(self, name):
        return np.concatenate([batch[name] for batch in self._batches])


def near_duplicates(
    vectors: Tensor, similarity: float, keys: Tensor | None = None
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Finds the pairs of vectors that are similar, and their connected components.

    Args:
        vectors: float array `[n, D]`.
        similarity: float, the threshold of cosine similarities.
        keys: optional integers `[n]`. Vectors of the same key are similar.

    Returns:
        The list of pairs `(i, j)`, `i < j`, and an integer array `[n]`: the connected
        component of each vector in the graph of these pairs.

    Example:

    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.01]])
    >>> pairs, groups = near_duplicates(vectors, 0.99)
    >>> pairs, groups.tolist()
    ([(0, 2)], [0, 1, 0])
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    groups = np.arange(len(vectors))
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(vectors), ROWS):
        similar = unit[start : start + ROWS] @ unit[start:].T > similarity
        if keys is not None:
            similar |= keys[start : start + ROWS, None] == keys[start:]
        similar = np.triu(similar, 1)
        for row in np.flatnonzero(similar.any(axis=1)):
            i, others = start + int(row), start + np.flatnonzero(similar[row])
            pairs.extend((i, j) for j in others.tolist())
            joined = np.unique(groups[[i, *others]])
            groups[np.isin(groups, joined)] = joined[0]
    return pairs, groups


def text_key(text: str) -> str:
    """Returns a text without case, and without blanks and punctuation at its ends.

    A text of nothing else keeps its punctuation.

    Example:

    >>> text_key("  Where is  my card?!"), text_key("?!")
    ('where is my card', '?!')
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    first, last = 0, len(folded)
    while first < last and _is_end(folded[first]):
        first += 1
    while first < last and _is_end(folded[last - 1]):
        last -= 1
    return folded[first:last] or folded


def _is_end(character):
    return character.isspace() or unicodedata.category(character).startswith("P")


def thumbnails(images: Tensor) -> np.ndarray:
    """Returns grayscale thumbnails `[n, 256]` of images, each with a mean of zero."""
    small = np.asarray(fit(images, THUMBNAIL, channels=1), "float32")
    small = small.reshape(len(images), math.prod(THUMBNAIL))
    return small - small.mean(axis=1, keepdims=True)
