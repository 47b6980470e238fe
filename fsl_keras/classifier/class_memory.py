"""The memory of a task of very many classes, filled class by class."""

from collections.abc import Callable

import numpy as np
from keras import ops

from fsl_keras.typing import Model, Nested, Tensor

# The number of examples whose labels are one-hot at the same time.
TOGETHER = 512


class ClassMemory:
    """The memory of a task, for a learner whose classes do not depend on one another.

    Only the classes of the examples that are added are computed, and only their memory
    is allocated by the operating system.

    Args:
        learner: a learner whose `appends_classes` is True.
        ways: integer, the number of classes.
        known: optional function from the numbers `[n]` of classes, an integer array, to
            their memory before, a dictionary of tensors `[1, n, ...]`. By default there
            are no examples before.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> learner = fsl.models.TransferLearner(backbone)
    >>> memory = ClassMemory(learner, ways=1000)
    >>> memory.add(np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), [7, 7])
    >>> memory.numbers.tolist(), np.asarray(memory.of_numbers["sums"]).tolist()
    ([7], [[[4.0, 6.0]]])
    """

    def __init__(
        self,
        learner: Model,
        ways: int,
        known: Callable[[np.ndarray], Nested] | None = None,
    ):
        self._learner = learner
        self._ways = ways
        self._known = known
        self._arrays: dict[str, np.ndarray] = {}
        self._is_here = np.zeros(ways, bool)

    @property
    def numbers(self) -> np.ndarray:
        """Integer array `[n]`, the classes of the examples that were added."""
        return np.flatnonzero(self._is_here)

    @property
    def of_numbers(self) -> dict[str, Tensor]:
        """The memory of these classes, a dictionary of arrays `[1, n, ...]`."""
        return {name: v[self.numbers][None] for name, v in self._arrays.items()}

    @property
    def of_all(self) -> dict[str, Tensor] | None:
        """The memory of all classes, a dictionary of arrays `[1, N, ...]`, or None."""
        if self._known is not None:
            self._fetch(np.flatnonzero(~self._is_here))
        return {name: v[None] for name, v in self._arrays.items()} or None

    def add(self, features: Tensor, classes: Tensor, weights: Tensor = 1.0) -> None:
        """Adds examples.

        Args:
            features: array `[n, *feature]`.
            classes: integers `[n]`.
            weights: float, or float array `[n, 1]`.
        """
        weights = np.broadcast_to(weights, (len(classes), 1))
        for start in range(0, len(classes), TOGETHER):
            part = slice(start, start + TOGETHER)
            self._add(features[part], np.asarray(classes)[part], weights[part])

    def _add(self, features, classes, weights):
        present, numbers = np.unique(classes, return_inverse=True)
        more = self._learner.remember_features(
            ops.convert_to_tensor(features[None]),
            weighted_labels(numbers, len(present), weights)[None],
        )
        if not self._arrays:
            # Zeros take no memory before something is written to them.
            self._arrays = {
                name: np.zeros((self._ways, *value.shape[2:]), value.dtype.name)
                for name, value in more.items()
            }
        if self._known is not None:
            self._fetch(present[~self._is_here[present]])
        old = {name: v[present][None] for name, v in self._arrays.items()}
        for name, value in self._learner.merge(old, more).items():
            self._arrays[name][present] = value[0]
        self._is_here[present] = True

    def _fetch(self, numbers):
        if not len(numbers):
            return
        for name, value in self._known(numbers).items():
            if name not in self._arrays:
                shape = (self._ways, *value.shape[2:])
                self._arrays[name] = np.zeros(shape, value.dtype.name)
            self._arrays[name][numbers] = value[0]


def weighted_labels(classes: Tensor, ways: int, weights: Tensor = 1.0) -> np.ndarray:
    """Returns the one-hot labels of examples, times their weights.

    Args:
        classes: integer array `[n]`.
        ways: integer, the number of classes.
        weights: float, or float array `[n, 1]`.

    Returns:
        float32 array `[n, ways]`.
    """
    labels = np.zeros((len(classes), ways), "float32")
    np.put_along_axis(labels, np.asarray(classes)[:, None], weights, axis=1)
    return labels
