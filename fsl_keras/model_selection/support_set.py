"""The examples of one task as a learner sees them, of which estimates are made."""

import collections
import functools
import math

import numpy as np

from fsl_keras.images import fit

# Two pictures whose thumbnails correlate above this are copies of one: resized, stored
# again, brightened, or taken in the same moment.
NEAR, THUMBNAIL = 0.99, (16, 16)

# Features that differ by less than rounding are those of one item.
SAME = 1 - 1e-6


class SupportSet:
    """The features and classes of the examples that a classifier was made of.

    It grows batch by batch. The same item given twice for a class is in it once.

    Args:
        most: optional integer, how many examples of a class are kept; later ones are
            left out, so that a million of them need no more memory than these.

    Example:

    >>> support = SupportSet()
    >>> support.add(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1])
    >>> support.add(np.array([[2.0, 0.0]]), [0])
    >>> support.labels.tolist(), support.groups.tolist()
    ([0, 1, 0], [0, 1, 0])
    """

    def __init__(self, most=None):
        self.most = most
        self._counts = collections.Counter()
        self._batches = []
        self._repeats = []

    def __len__(self):
        return sum(len(batch["labels"]) for batch in self._batches)

    def add(self, features, labels, rows=None, images=None, copies=()):
        """Adds examples.

        Args:
            features: float array `[n, *feature]`.
            labels: the class number of each.
            rows: optional index of each among the examples as they were given.
            images: optional float pictures `[n, H, W, C]` from 0 to 1, by which near
                copies are found; otherwise they are by features.
            copies: optional features `[k * n, *feature]` of augmented copies: of all
                examples in their order, then again. They are learned from and left
                out with what they are copies of, and never asked about.
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
        numbers = len(self) + np.arange(len(labels))
        batch = {
            "features": features,
            "labels": labels,
            "rows": rows,
            "copies": copies if len(copies) else features[:0],
            "copied": np.resize(numbers, len(copies)),
            "thumbnails": np.zeros((0, 1)) if images is None else thumbnails(images),
        }
        self._batches.append({name: np.asarray(part) for name, part in batch.items()})
        self.__dict__.pop("_near", None)

    def _takes(self, label):
        self._counts[int(label)] += 1
        return self.most is None or self._counts[int(label)] <= self.most

    def repeat(self, row, other):
        """Notes that two of the examples as they were given are one item."""
        self._repeats.append((int(row), int(other)))

    @property
    def features(self):
        """Float32 array `[n, *feature]`."""
        return self._joined("features").astype("float32", copy=False)

    @property
    def labels(self):
        """Integer array `[n]`, the class numbers."""
        return self._joined("labels")

    @property
    def rows(self):
        """Integer array `[n]`, the index of each among the examples as given."""
        return self._joined("rows")

    @property
    def copies(self):
        """Float32 array `[m, *feature]` of augmented copies."""
        return self._joined("copies").astype("float32", copy=False)

    @property
    def copied(self):
        """Integer array `[m]`, which example each augmented copy is of."""
        return self._joined("copied")

    @property
    def groups(self):
        """Integer array `[n]`, the same number for near copies of one another."""
        return self._near[1]

    @property
    def duplicates(self):
        """List of pairs of near copies, by their index among the examples as given."""
        rows = self.rows.tolist()
        return sorted(self._repeats + [(rows[i], rows[j]) for i, j in self._near[0]])

    @functools.cached_property
    def _near(self):
        small = self._joined("thumbnails")
        if len(small) == len(self):
            return near_duplicates(small, NEAR)
        return near_duplicates(self.features.reshape(len(self), -1), SAME)

    def _joined(self, name):
        return np.concatenate([batch[name] for batch in self._batches])


def near_duplicates(vectors, similarity):
    """Finds the vectors that point the same way.

    Args:
        vectors: float array `[n, D]`.
        similarity: float, the least cosine similarity.

    Returns:
        The list of their pairs `(i, j)`, `i < j`, and an int array `[n]`: the same
        number for vectors that a chain of such pairs connects.

    Example:

    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.01]])
    >>> pairs, groups = near_duplicates(vectors, 0.99)
    >>> pairs, groups.tolist()
    ([(0, 2)], [0, 1, 0])
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    groups, pairs = np.arange(len(vectors)), []
    for i in range(len(vectors)):
        others = i + 1 + np.flatnonzero(unit[i + 1 :] @ unit[i] > similarity)
        if len(others):
            pairs.extend((i, j) for j in others.tolist())
            joined = np.unique(groups[[i, *others]])
            groups[np.isin(groups, joined)] = joined[0]
    return pairs, groups


def thumbnails(images):
    """Returns a small picture `[n, 256]` of each, grey, with a mean of zero."""
    small = np.asarray(fit(images, THUMBNAIL, channels=1), "float32")
    small = small.reshape(len(images), math.prod(THUMBNAIL))
    return small - small.mean(axis=1, keepdims=True)
