"""Memories of a few examples, of a bounded size in bytes."""

import abc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fsl_keras.datasets.labels import class_name_of
from fsl_keras.files import replacing
from fsl_keras.typing import Path, Tensor


class ExemplarMemory(abc.ABC):
    """Base of the memories that keep some examples of the sessions so far.

    Learners whose memory is not a sum, such as `TransferLearner(backbone, "logistic")`,
    learn a further session together with the exemplars of earlier ones: see
    `continual.evaluate`.

    Subclasses implement `add`, which assigns new `items` and `labels` and changes no
    array in place, and name in `saved` the further attributes that `save` writes.

    Args:
        max_bytes: integer, the maximum size of all items.

    Attributes:
        items: array `[m, *item]`, the exemplars, or None before the first session.
        labels: list of `m` strings, their classes.

    Raises:
        ValueError: if `max_bytes` is not above 0.
    """

    saved: tuple[str, ...] = ()

    def __init__(self, max_bytes: int):
        if not max_bytes > 0:
            raise ValueError(
                f"`max_bytes` must be above 0, or no example is kept: use a learner "
                f"whose memory is a sum, such as `TransferLearner(backbone, 'lda')`. "
                f"Received: max_bytes={max_bytes!r}"
            )
        self.max_bytes = max_bytes
        self.items: np.ndarray | None = None
        self.labels: list[str] = []

    @property
    def nbytes(self) -> int:
        """The size of all items."""
        return 0 if self.items is None else self.items.nbytes

    @abc.abstractmethod
    def add(self, items: Tensor, labels: Tensor) -> None:
        """Adds the examples of a session, and keeps some of all so far.

        Args:
            items: array of numbers `[n, *item]`, images or embeddings.
            labels: `n` names of classes.

        Raises:
            ValueError: if items are not numbers, differ in shape from those before, or
                one does not fit into `max_bytes`.
        """

    def save(self, path: Path) -> None:
        """Writes the memory as a `.npz` file, to go on in another process."""
        values: dict[str, Any] = self.get_state()
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **values)

    def restore(self, path: Path) -> None:
        """Reads what `save` of a memory made by the same arguments wrote."""
        with np.load(path) as stored:
            self.set_state(stored)

    def get_state(self) -> dict[str, np.ndarray]:
        """Returns the arrays that `save` writes."""
        names = ("items", "labels", *self.saved)
        return {name: np.asarray(getattr(self, name)) for name in names}

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Sets the arrays that `get_state` returned."""
        self.items, self.labels = state["items"], state["labels"].tolist()
        for name in self.saved:
            setattr(self, name, state[name])

    def _checked(self, items, labels):
        """Returns items and names as arrays, and how many items fit into memory."""
        items = np.asarray(items)
        names = np.asarray([class_name_of(label) for label in labels], str)
        if not np.issubdtype(items.dtype, np.number) or len(items) != len(names):
            raise ValueError(
                f"`items` must be an array of numbers with a label for each, such as "
                f"the embeddings of texts. Received: {items.dtype} of shape "
                f"{items.shape}, and {len(names)} labels"
            )
        known = items if self.items is None else self.items
        if (known.shape[1:], known.dtype) != (items.shape[1:], items.dtype):
            raise ValueError(
                f"All items must be of one shape and dtype. Received: {items.dtype} of "
                f"shape {items.shape[1:]} after {known.dtype} of {known.shape[1:]}"
            )
        of_one = int(np.prod(items.shape[1:])) * items.itemsize
        if of_one > self.max_bytes:
            raise ValueError(
                f"An item of shape {items.shape[1:]} takes {of_one} bytes, so none "
                f"fits: increase `max_bytes`. Received: max_bytes={self.max_bytes!r}"
            )
        return items, names, self.max_bytes // of_one


class HerdingExemplars(ExemplarMemory):
    """Exemplars whose mean embedding is near that of all examples of their class.

    Classes have equally many, or one more for those that were learned first. They are
    chosen greedily: each brings the mean of those chosen nearest to the mean of the
    class ("herding"). When classes are added, the last chosen ones are dropped. If
    there are fewer places than classes, classes learned last have none.

    Reference:

    - [Rebuffi et al., 2017](https://arxiv.org/abs/1611.07725)

    Args:
        max_bytes: integer, the maximum size of all items.
        embed: optional function from items `[n, *item]` to embeddings `[n, D]`, such as
            `learner.features`. Default: the items themselves.

    Example:

    >>> memory = HerdingExemplars(max_bytes=2 * 2 * 4)  # two pairs of float32
    >>> items = np.array([[3, 4], [0, 1], [1, 0], [0, 2]], "float32")
    >>> memory.add(items, ["wren", "wren", "wren", "heron"])
    >>> memory.items.tolist(), memory.labels
    ([[3.0, 4.0], [0.0, 2.0]], ['wren', 'heron'])
    """

    saved = ("class_names", "totals", "counts")

    def __init__(
        self, max_bytes: int, embed: Callable[[np.ndarray], Tensor] | None = None
    ):
        super().__init__(max_bytes)
        self._embed = embed
        # Of all examples of each class, also those that are not kept: the sum of the
        # embeddings and the number.
        self.class_names: np.ndarray = np.zeros(0, str)
        self.totals: np.ndarray = np.zeros(0)
        self.counts: np.ndarray = np.zeros(0, int)

    def add(self, items: Tensor, labels: Tensor) -> None:
        """Adds the examples of a session, see `ExemplarMemory.add`."""
        items, names, places = self._checked(items, labels)
        embedded = self._unit_embeddings(items)
        self._count(embedded, names)
        most, others = divmod(places, len(self.class_names))
        known = items[:0] if self.items is None else self.items
        chosen, labels = [], np.asarray(self.labels, str)
        for number, name in enumerate(self.class_names):
            place = most + (number < others)
            kept, is_new = known[labels == name], names == name
            if is_new.any():
                vectors = embedded[is_new]
                if len(kept):
                    vectors = np.concatenate([self._unit_embeddings(kept), vectors])
                mean = self.totals[number] / self.counts[number]
                order = herd(vectors, mean, min(place, len(vectors)))
                kept = np.concatenate([kept, items[is_new]])[order]
            chosen.append(kept[:place])
        self.items = np.concatenate(chosen)
        sizes = [len(part) for part in chosen]
        self.labels = np.repeat(self.class_names, sizes).tolist()

    def _count(self, embedded, names):
        """Adds the sums of the embeddings of each class, and their numbers."""
        new = [c for c in dict.fromkeys(names.tolist()) if c not in self.class_names]
        length = embedded.shape[1]
        totals = self.totals.reshape(-1, length)
        self.class_names = np.concatenate([self.class_names, new])
        self.totals = np.concatenate([totals, np.zeros((len(new), length))])
        self.counts = np.concatenate([self.counts, np.zeros(len(new), int)])
        places = [self.class_names.tolist().index(name) for name in names]
        np.add.at(self.totals, places, embedded)
        np.add.at(self.counts, places, 1)

    def _unit_embeddings(self, items):
        vectors = items if self._embed is None else self._embed(items)
        vectors = np.reshape(vectors, (len(items), -1)).astype("float64")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)


class ReservoirExemplars(ExemplarMemory):
    """Exemplars that are a uniform sample of all examples so far.

    Each example of the stream is kept with the same probability, so classes have as
    many exemplars as is proportional to their examples ("reservoir sampling").

    Reference:

    - [Vitter, 1985](https://doi.org/10.1145/3147.3165)

    Args:
        max_bytes: integer, the maximum size of all items.
        seed: integer.

    Example:

    >>> memory = ReservoirExemplars(max_bytes=3 * 2 * 4)
    >>> memory.add(np.ones((50, 2), "float32"), ["wren"] * 50)
    >>> memory.labels
    ['wren', 'wren', 'wren']
    """

    saved = ("seen",)

    def __init__(self, max_bytes: int, seed: int = 0):
        super().__init__(max_bytes)
        self.seed = seed
        self.seen = 0

    def add(self, items: Tensor, labels: Tensor) -> None:
        """Adds the examples of a session, see `ExemplarMemory.add`."""
        items, names, places = self._checked(items, labels)
        rng = np.random.default_rng((self.seed, int(self.seen)))
        kept, labels = [] if self.items is None else list(self.items), [*self.labels]
        for item, name in zip(items, names.tolist(), strict=True):
            self.seen += 1
            if len(kept) < places:
                kept.append(item)
                labels.append(name)
                continue
            place = rng.integers(self.seen)
            if place < places:
                kept[place], labels[place] = item, name
        self.items, self.labels = np.stack(kept), labels


def herd(embeddings: np.ndarray, mean: np.ndarray, count: int) -> list[int]:
    """Chooses rows whose mean is near a given one, one after the other.

    Args:
        embeddings: float array `[n, D]`.
        mean: float array `[D]`.
        count: integer, at most `n`.

    Returns:
        The list of `count` rows in the order chosen. The first ones are what a smaller
        `count` gives.

    Example:

    >>> herd(np.array([[0.0], [1.0], [2.0], [5.0]]), np.array([2.0]), 3)
    [2, 1, 3]
    """
    chosen: list[int] = []
    total = np.zeros_like(mean)
    for number in range(1, count + 1):
        distances = np.square((total + embeddings) / number - mean).sum(axis=1)
        distances[chosen] = np.inf
        chosen.append(int(distances.argmin()))
        total = total + embeddings[chosen[-1]]
    return chosen
