"""What a classifier knows at one time, for threads that predict while it changes."""

import contextlib
import threading


class Snapshot:
    """The classes a classifier knows at one time, and what was compiled for them.

    Args:
        class_names: list of strings.
        variables: dictionary of the variables of the learner's state. Their values
            never change.
    """

    def __init__(self, class_names, variables):
        self.class_names = class_names
        self.functions = {}
        self._variables = variables

    @property
    def state(self):
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return {name: v[None] for name, v in self._variables.items()}


class Snapshots:
    """The latest snapshot, and those that threads still work with."""

    def __init__(self, snapshot):
        self.latest = snapshot
        self._lock = threading.RLock()
        self._of_thread = threading.local()

    @property
    def current(self):
        """The snapshot that this thread works with."""
        return getattr(self._of_thread, "pinned", None) or self.latest

    def pinned(self):
        """Keeps `current` the same for this thread within a `with` block."""
        return self._with_pinned(self.current)

    @contextlib.contextmanager
    def changing(self):
        """Lets only this thread change the classifier within a `with` block."""
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
