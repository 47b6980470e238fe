"""Memories of a few examples, of a bounded size in bytes."""

import abc
from collections.abc import Callable

import numpy as np

from fsl_keras.datasets.labels import class_name_of
from fsl_keras.typing import Tensor


class ExemplarMemory(abc.ABC):
    """Base of the memories that keep some examples of the sessions so far.

    Learners whose memory is not a sum, such as `TransferLearner(backbone, "logistic")`,
    learn a further session together with the exemplars of earlier ones: see
    `continual.evaluate`.

    Subclasses implement `add`, and assign `items` and `labels`.

    Args:
        max_bytes: integer, the maximum size of all items.

    Attributes:
        items: array `[m, *item]`, the exemplars, or None before the first session.
        labels: list of `m` strings, their classes.

    Raises:
        ValueError: if `max_bytes` is not above 0.
    """

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

    def _checked(self, items, labels):
        """Returns items, the list of names, and how many items fit into memory."""
        items, names = np.asarray(items), [class_name_of(label) for label in labels]
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

    def __init__(
        self, max_bytes: int, embed: Callable[[np.ndarray], Tensor] | None = None
    ):
        super().__init__(max_bytes)
        self._embed = embed
        # For each class: its exemplars in the order chosen, and the sum of embeddings
        # and the number of all its examples.
        self._classes: dict[str, tuple] = {}

    def add(self, items: Tensor, labels: Tensor) -> None:
        """Adds the examples of a session, see `ExemplarMemory.add`."""
        items, names, places = self._checked(items, labels)
        for name in dict.fromkeys(names):
            own = items[[other == name for other in names]]
            embedded = self._unit_embeddings(own)
            chosen, total, count = self._classes.get(name, (own[:0], 0.0, 0))
            candidates = np.concatenate([chosen, own])
            if len(chosen):
                embedded = np.concatenate([self._unit_embeddings(chosen), embedded])
            total = total + embedded[len(chosen) :].sum(axis=0)
            count += len(own)
            order = herd(embedded, total / count, min(places, len(candidates)))
            self._classes[name] = candidates[order], total, count
        most, others = divmod(places, len(self._classes))
        for number, (name, (chosen, *sums)) in enumerate(self._classes.items()):
            self._classes[name] = (chosen[: most + (number < others)], *sums)
        parts = {name: chosen for name, (chosen, *_) in self._classes.items()}
        self.items = np.concatenate(list(parts.values()))
        self.labels = [name for name, part in parts.items() for _ in part]

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

    def __init__(self, max_bytes: int, seed: int = 0):
        super().__init__(max_bytes)
        self._rng = np.random.default_rng(seed)
        self._seen = 0

    def add(self, items: Tensor, labels: Tensor) -> None:
        """Adds the examples of a session, see `ExemplarMemory.add`."""
        items, names, places = self._checked(items, labels)
        kept = [] if self.items is None else list(self.items)
        for item, name in zip(items, names, strict=True):
            self._seen += 1
            if len(kept) < places:
                kept.append(item)
                self.labels.append(name)
                continue
            place = self._rng.integers(self._seen)
            if place < places:
                kept[place], self.labels[place] = item, name
        self.items = np.stack(kept)


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
