"""The examples that a classifier was made of, one record each."""

import json
import typing

import numpy as np

# The features of examples are kept up to so many numbers (64 MB in float32), so that
# neither the memory nor the file of a classifier grows without bound.
MOST_KEPT = 2**24


class LearnedExample(typing.NamedTuple):
    """One example that a classifier was made of.

    Attributes:
        id: integer, which names the example as long as the classifier knows it.
        class_name: string.
        source: string, the file it was read from, as given; or integer, its index
            among the images as given. None if the classifier was saved by an earlier
            version.
    """

    id: int
    class_name: str
    source: str | int | None


class LearnedExamples:
    """The record of the examples of one task, an immutable table.

    Args:
        pairs: int64 array `[n, 2]`, the digest and the class number of each.
        ids: optional int64 array `[n]`; by default they are numbered from 0.
        sources: optional list `[n]` of strings, integers and None.
        owners: optional int64 array `[m]`, the row in `pairs` of the example that each
            feature belongs to. An example has one feature, and one more for each
            augmented copy. None if the features are not known.
        features: optional array `[m, *feature]`; None where the memory of the learner
            holds them.

    Example:

    >>> examples = LearnedExamples([(17, 0), (23, 0), (17, 1)], sources=["a", "b", "c"])
    >>> examples.without(0).ids.tolist()
    [1, 2]
    """

    def __init__(self, pairs=(), ids=None, sources=None, owners=None, features=None):
        self.pairs = np.asarray(pairs, "int64").reshape(-1, 2)
        self.ids = np.arange(len(self.pairs)) if ids is None else np.asarray(ids)
        self.sources = [None] * len(self.pairs) if sources is None else list(sources)
        self.owners = owners
        self.features = features

    def __len__(self):
        return len(self.pairs)

    @property
    def classes(self):
        """Int64 array `[n]`, the class number of each example."""
        return self.pairs[:, 1]

    def row_of(self, example_id):
        """Returns the row of the example with an id.

        Raises:
            ValueError: if there is none.
        """
        rows = np.flatnonzero(self.ids == example_id)
        if not len(rows):
            raise ValueError(
                f"There is no example with the id {example_id!r}. `examples()` lists "
                f"the examples with their ids."
            )
        return int(rows[0])

    def with_class(self, row, number):
        """Returns the same examples, one of them in another class."""
        pairs = self.pairs.copy()
        pairs[row, 1] = number
        return LearnedExamples(
            pairs, self.ids, self.sources, self.owners, self.features
        )

    def without(self, row):
        """Returns the examples without that of one row."""
        return self._take(np.delete(np.arange(len(self)), row))

    def of_classes(self, classes):
        """Returns the examples of some classes, which are numbered from 0 anew."""
        kept = self._take(np.flatnonzero(np.isin(self.classes, classes)))
        numbers = [list(classes).index(number) for number in kept.classes]
        kept.pairs[:, 1] = numbers
        return kept

    def shifted(self, classes):
        """Returns the same examples, their class numbers greater by `classes`."""
        pairs = self.pairs + np.array([0, classes])
        return LearnedExamples(
            pairs, self.ids, self.sources, self.owners, self.features
        )

    def __add__(self, more):
        """Returns these examples, then others, whose ids go on after these."""
        first_id = 1 + max(self.ids, default=-1)
        owners = features = None
        if self.owners is not None and more.owners is not None:
            owners = np.concatenate([self.owners, len(self) + more.owners])
        if self.features is not None and more.features is not None:
            if self.features.size + more.features.size <= MOST_KEPT:
                features = np.concatenate([self.features, more.features])
            else:
                owners = None
        return LearnedExamples(
            np.concatenate([self.pairs, more.pairs]),
            np.concatenate([self.ids, first_id + np.arange(len(more))]),
            self.sources + more.sources,
            owners,
            features,
        )

    def to_arrays(self):
        """Returns the record as a dictionary of numeric arrays."""
        # JSON also holds names of files that are not valid UTF-8.
        sources = json.dumps(self.sources).encode()
        arrays = {
            "digests": self.pairs,
            "ids": self.ids.astype("int64"),
            "sources": np.frombuffer(sources, "uint8"),
        }
        if self.owners is not None:
            arrays["owners"] = np.asarray(self.owners, "int64")
        if self.features is not None:
            arrays["features"] = self.features
        return arrays

    @classmethod
    def from_arrays(cls, arrays):
        """Reads what `to_arrays` gave; earlier versions had `digests` alone."""
        sources = arrays.get("sources")
        if sources is not None:
            sources = json.loads(sources.tobytes().decode())
        return cls(
            arrays["digests"],
            arrays.get("ids"),
            sources,
            arrays.get("owners"),
            arrays.get("features"),
        )

    def _take(self, rows):
        owners, features = self.owners, self.features
        if owners is not None:
            kept = np.isin(owners, rows)
            features = None if features is None else features[kept]
            owners = np.searchsorted(rows, owners[kept])
        return LearnedExamples(
            self.pairs[rows],
            self.ids[rows],
            [self.sources[row] for row in rows],
            owners,
            features,
        )
