"""Temporary folders, also those of processes that were killed."""

import pathlib
import shutil
import tempfile
import uuid
import weakref
from types import TracebackType

from filelock import FileLock, Timeout

from fsl_keras.files.space import raise_if_full

PREFIX, CLOSED = "fsl-keras-", "-closed"


class TemporaryFolder:
    """A folder for temporary files, like `tempfile.TemporaryDirectory`.

    The next one of the same name also removes the folders of processes that were
    killed. A lock beside each folder, which the system releases with the process, says
    whether it is in use.

    Args:
        name: string, what the folder is for.

    Attributes:
        path: the path of the folder.

    Example:

    >>> with TemporaryFolder("example") as path:
    ...     _ = (path / "a.txt").write_text("a", encoding="utf-8")
    >>> path.exists()
    False
    """

    def __init__(self, name: str) -> None:
        parent = pathlib.Path(tempfile.gettempdir())
        for lock in parent.glob(f"{PREFIX}{name}-*.lock"):
            _remove_unused(lock)
        self.path = parent / f"{PREFIX}{name}-{uuid.uuid4().hex[:12]}"
        # Threads may take turns with the folder.
        self._lock = FileLock(self.path.with_suffix(".lock"), thread_local=False)
        self._lock.acquire()
        self.path.mkdir(mode=0o700)
        # Also when nobody calls `remove`, and at the end of the program.
        self._remove = weakref.finalize(self, _remove, self.path, self._lock)

    def remove(self) -> None:
        """Removes the folder; a second time it does nothing."""
        self._remove()

    def __enter__(self) -> pathlib.Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()
        raise_if_full(error, self.path)


def _remove(path: pathlib.Path, lock: FileLock) -> None:
    # Renamed first, as another thread may still write files, which fails then.
    shutil.rmtree(path.rename(path.with_name(f"{path.name}{CLOSED}")))
    pathlib.Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _remove_unused(path: pathlib.Path) -> None:
    """Removes a folder whose lock no process holds, and the lock."""
    lock = FileLock(path)
    try:
        with lock.acquire(timeout=0):
            folder = path.with_suffix("")
            for left in (folder, folder.with_name(f"{folder.name}{CLOSED}")):
                if left.exists():
                    shutil.rmtree(left)
            path.unlink(missing_ok=True)
    except (Timeout, PermissionError):
        pass  # in use, or of another user
