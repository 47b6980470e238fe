"""The examples of a classifier, one record each."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fsl_keras.classifier.rows import Rows
from fsl_keras.typing import Tensor

# The maximum number of values in the features of a classifier (64 MB in float32), which
# bounds its memory and its file.
MAX_VALUES = 2**24


class LearnedExample(NamedTuple):
    """One example of a classifier.

    Attributes:
        id: integer, does not change while the classifier has the example.
        class_name: string.
        source: string, the path of its file as given, or the text, of 1,000 characters
            at most; or integer, its index among the images as given. None if the
            classifier was saved by an earlier version.
    """

    id: int
    class_name: str
    source: str | int | None


class LearnedExamples:
    """The examples of one task, as an immutable table.

    Args:
        pairs: int64 array `[n, 2]`, the digest and the class number of each example.
        ids: optional int64 array `[n]`; by default they are numbered from 0.
        sources: optional list `[n]` of strings, integers and None.
        owners: optional int64 array `[m]`, the row in `pairs` of the example of each
            feature. An example has one feature, and one more for each augmented copy.
            None if the features are unknown.
        features: optional array `[m, *feature]`, or `Rows` of one; None if the memory
            of the learner holds them.
        description_weights: optional float array `[n]`, the weight of each description
            of a class, and 0 for all other examples, whose weight is 1.

    Example:

    >>> examples = LearnedExamples([(17, 0), (23, 0), (17, 1)], sources=["a", "b", "c"])
    >>> examples.without(0).ids.tolist()
    [1, 2]
    """

    def __init__(
        self,
        pairs: Tensor = (),
        ids: Tensor | None = None,
        sources: Sequence | None = None,
        owners: np.ndarray | None = None,
        features: np.ndarray | Rows | None = None,
        description_weights: Tensor | None = None,
    ):
        self.pairs = np.asarray(pairs, "int64").reshape(-1, 2)
        self.ids = np.arange(len(self.pairs)) if ids is None else np.asarray(ids)
        self.sources = [None] * len(self.pairs) if sources is None else list(sources)
        self.owners = owners
        if features is not None and not isinstance(features, Rows):
            features = Rows(np.asarray(features))
        self._features = features
        if description_weights is None:
            description_weights = np.zeros(len(self.pairs))
        self.description_weights = np.asarray(description_weights, "float32")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def features(self) -> np.ndarray | None:
        """Array `[m, *feature]`, all features; None if they are not here."""
        return None if self._features is None else self._features.value

    @property
    def classes(self) -> np.ndarray:
        """Int64 array `[n]`, the class number of each example."""
        return self.pairs[:, 1]

    @property
    def are_descriptions(self) -> np.ndarray:
        """Bool array `[n]`, which examples are descriptions of their classes."""
        return self.description_weights > 0

    @property
    def weights(self) -> np.ndarray:
        """Float32 array `[n]`, the weight of each example."""
        return np.where(self.are_descriptions, self.description_weights, np.float32(1))

    def row_of(self, example_id: int) -> int:
        """Returns the row of the example with an id, which descriptions do not have.

        Raises:
            ValueError: if there is none.
        """
        rows = np.flatnonzero((self.ids == example_id) & ~self.are_descriptions)
        if not len(rows):
            raise ValueError(
                f"There is no example with the id {example_id!r}. `examples()` lists "
                f"the examples with their ids."
            )
        return int(rows[0])

    def with_class(self, row: int, number: int) -> "LearnedExamples":
        """Returns the examples with the one of a row moved to another class."""
        pairs = self.pairs.copy()
        pairs[row, 1] = number
        return self._with_pairs(pairs)

    def without(self, row: int) -> "LearnedExamples":
        """Returns the examples without the one of a row."""
        return self._take(np.delete(np.arange(len(self)), row))

    def of_classes(self, classes: Sequence[int]) -> "LearnedExamples":
        """Returns the examples of some classes, which are renumbered from 0."""
        kept = self._take(np.flatnonzero(np.isin(self.classes, classes)))
        numbers = {old: new for new, old in enumerate(classes)}
        kept.pairs[:, 1] = [numbers[number] for number in kept.classes.tolist()]
        return kept

    def shifted(self, classes: int) -> "LearnedExamples":
        """Returns the examples with class numbers increased by `classes`."""
        return self._with_pairs(self.pairs + np.array([0, classes]))

    def __add__(self, more: "LearnedExamples") -> "LearnedExamples":
        """Returns these examples and others, see `joined`."""
        return self.joined(more)

    def joined(
        self, more: "LearnedExamples", max_values: int = MAX_VALUES
    ) -> "LearnedExamples":
        """Returns these examples and others, whose ids are renumbered.

        Args:
            more: `LearnedExamples`.
            max_values: integer, the maximum number of values in all features. Above it,
                the result has no features.
        """
        first_id = 1 + self.ids.max(initial=-1)
        owners = features = None
        if self.owners is not None and more.owners is not None:
            owners = np.concatenate([self.owners, len(self) + more.owners])
        if self._features is not None and more.features is not None:
            if self._features.value.size + more.features.size <= max_values:
                features = self._features.append(more.features)
            else:
                owners = None
        return LearnedExamples(
            np.concatenate([self.pairs, more.pairs]),
            np.concatenate([self.ids, first_id + np.arange(len(more))]),
            self.sources + more.sources,
            owners,
            features,
            np.concatenate([self.description_weights, more.description_weights]),
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Returns the table as a dictionary of numeric arrays."""
        # JSON can also hold file names that are not valid UTF-8.
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
        if self.description_weights.any():
            arrays["description_weights"] = self.description_weights
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "LearnedExamples":
        """Reads the result of `to_arrays`; earlier versions stored `digests` alone."""
        sources = arrays.get("sources")
        if sources is not None:
            sources = json.loads(sources.tobytes().decode())
        return cls(
            arrays["digests"],
            arrays.get("ids"),
            sources,
            arrays.get("owners"),
            arrays.get("features"),
            arrays.get("description_weights"),
        )

    def _with_pairs(self, pairs):
        return LearnedExamples(
            pairs,
            self.ids,
            self.sources,
            self.owners,
            self._features,
            self.description_weights,
        )

    def with_features(self, features: np.ndarray | None) -> "LearnedExamples":
        """Returns the examples with other features, or without any."""
        return LearnedExamples(
            self.pairs,
            self.ids,
            self.sources,
            self.owners,
            features,
            self.description_weights,
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
            self.description_weights[rows],
        )
