"""Classes that come again under another name."""

import numpy as np

from fsl_keras.typing import Tensor

# Of squared distances between means, in units of what is expected of two samples of one
# class. Below `SAME` most examples are the same ones. Up to `ALIKE` they may be others
# of the same class, if the samples have the fewest examples or more; means of fewer
# are that near in different classes of photographs as well.
SAME, ALIKE, FEWEST = 0.5, 1.2, 10


class KnownClasses:
    """The mean and the variance of known classes, to notice one under another name.

    Example:

    >>> known = KnownClasses()
    >>> known.add(np.array([[0.0, 0.0], [0.0, 2.0]]), ["wren", "wren"])
    >>> known.alike(np.array([[0.0, 1.0], [9.0, 9.0]]), ["jenny", "heron"])
    [('jenny', 'wren')]
    """

    def __init__(self) -> None:
        # For each class: the number of examples, their sum and their squared lengths.
        self._moments: dict[str, tuple] = {}

    def add(self, embeddings: Tensor, names: Tensor) -> None:
        """Adds examples of known or new classes.

        Args:
            embeddings: array `[n, *embedding]`.
            names: `n` strings, the class of each.
        """
        for name, more in _moments(embeddings, names).items():
            before = self._moments.get(name, (0, 0.0, 0.0))
            self._moments[name] = tuple(
                a + b for a, b in zip(before, more, strict=True)
            )

    def alike(self, embeddings: Tensor, names: Tensor) -> list[tuple[str, str]]:
        """Finds known classes whose examples are like those of a new class.

        Args:
            embeddings: array `[n, *embedding]`.
            names: `n` strings, the class of each.

        Returns:
            A list of pairs: a name that is not known, and the known class whose mean is
            nearest, if the distance of the means is that of two samples of one class.
        """
        new, found = _moments(embeddings, names), []
        if not self._moments:
            return []
        counts, sums, squares = map(np.array, zip(*self._moments.values(), strict=True))
        means = sums / counts[:, None]
        scatters = squares - np.sum(sums * means, axis=1)
        pooled = scatters.sum() / max(np.sum(counts - 1), 1)
        for name in new.keys() - self._moments.keys():
            count, total, square = new[name]
            mean = total / count
            distances = np.sum(np.square(means - mean), axis=1)
            place = distances.argmin()
            degrees = counts[place] + count - 2
            scatter = scatters[place] + square - total @ mean
            variance = scatter / degrees if degrees else pooled
            expected = variance * (1 / counts[place] + 1 / count)
            are_many = min(counts[place], count) >= FEWEST
            if distances[place] <= expected * (ALIKE if are_many else SAME):
                found.append((name, list(self._moments)[place]))
        return sorted(found)


def _moments(embeddings, names):
    """Returns a dictionary from class to the number, sum and squares of examples."""
    vectors = np.reshape(embeddings, (len(embeddings), -1)).astype("float64")
    names = np.asarray(names)
    parts = {str(name): vectors[names == name] for name in np.unique(names)}
    return {
        name: (len(part), part.sum(axis=0), np.square(part).sum())
        for name, part in parts.items()
    }
