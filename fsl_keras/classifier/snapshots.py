"""The classes of a classifier at one time, so that threads predict while it changes."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fsl_keras.classifier.quantized_rows import state_of


class Snapshot:
    """The classes of a classifier at one time, and the functions compiled for them.

    Args:
        class_names: list of strings.
        rows: the learner's state, a dictionary of `Rows`, `QuantizedRows`, tensors or
            variables. Their values never change.
        index: optional `ClassIndex` of these classes, and maybe of later ones.
    """

    def __init__(
        self, class_names: Sequence[str], rows: Mapping[str, Any], index: Any = None
    ):
        self.class_names = class_names
        self.functions: dict[str, Any] = {}
        self.rows = rows
        self.index = index

    @property
    def state(self) -> Mapping[str, Any]:
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return state_of(self.rows)


class Snapshots:
    """The latest snapshot, and those that threads still use.

    Args:
        snapshot: the first `Snapshot`.
    """

    def __init__(self, snapshot: Snapshot):
        self.latest = snapshot
        self._lock = threading.RLock()
        self._of_thread = threading.local()

    @property
    def current(self) -> Snapshot:
        """The snapshot that this thread uses."""
        return getattr(self._of_thread, "pinned", None) or self.latest

    def pinned(self, snapshot: Snapshot | None = None) -> AbstractContextManager:
        """Returns a context in which `current` stays the same for this thread.

        Args:
            snapshot: optional `Snapshot`; by default the current one.
        """
        return self._with_pinned(snapshot or self.current)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """A context in which only this thread changes the classifier."""
        with self._lock, self._with_pinned(None):
            yield

    @contextlib.contextmanager
    def _with_pinned(self, snapshot):
        before = getattr(self._of_thread, "pinned", None)
        self._of_thread.pinned = snapshot
        try:
            yield
        finally:
            self._of_thread.pinned = before


class PredictsFromSnapshots:
    """Mixin of a Keras model whose calls use one snapshot each.

    The model assigns `_snapshots`.
    """

    _snapshots: Any = None

    @property
    def snapshot(self) -> Snapshot:
        """The `Snapshot` that this thread predicts from."""
        return self._snapshots.current

    @property
    def state(self) -> Mapping[str, Any]:
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return self._snapshots.current.state

    def pinned(self, snapshot: Snapshot | None = None) -> AbstractContextManager:
        """Returns a context in which this thread predicts from one snapshot.

        Args:
            snapshot: optional `Snapshot`; by default the current one.
        """
        return self._snapshots.pinned(snapshot)

    def predict(self, *args, **kwargs) -> Any:
        """Returns probabilities `[n, N]`, as `keras.Model.predict` does."""
        with self.pinned():
            return super().predict(*args, **kwargs)  # type: ignore[misc]

    def predict_on_batch(self, *args, **kwargs) -> Any:
        """Returns probabilities, as `keras.Model.predict_on_batch` does."""
        with self.pinned():
            return super().predict_on_batch(*args, **kwargs)  # type: ignore[misc]

    def evaluate(self, *args, **kwargs) -> Any:
        """Returns loss and metrics, as `keras.Model.evaluate` does."""
        with self.pinned():
            return super().evaluate(*args, **kwargs)  # type: ignore[misc]

    def test_on_batch(self, *args, **kwargs) -> Any:
        """Returns loss and metrics, as `keras.Model.test_on_batch` does."""
        with self.pinned():
            return super().test_on_batch(*args, **kwargs)  # type: ignore[misc]

    # The functions that Keras compiles read the variables of one snapshot.

    @property
    def predict_function(self) -> Any:
        return self._compiled("predict")

    @predict_function.setter
    def predict_function(self, function: Any) -> None:
        self._keep_compiled("predict", function)

    @property
    def test_function(self) -> Any:
        return self._compiled("test")

    @test_function.setter
    def test_function(self, function: Any) -> None:
        self._keep_compiled("test", function)

    def _compiled(self, name):
        return self._snapshots and self._snapshots.current.functions.get(name)

    def _keep_compiled(self, name, function):
        # Keras sets it before there is a snapshot.
        if self._snapshots:
            self._snapshots.current.functions[name] = function
