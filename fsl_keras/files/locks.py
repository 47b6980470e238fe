"""One process at a time on a file or a folder."""

import contextlib
import getpass
import hashlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from filelock import FileLock, Timeout

from fsl_keras.typing import Path

# Seconds that a change of a file waits for that of another process.
WAIT = 120.0


@contextlib.contextmanager
def locked(path: Path, wait: float = WAIT) -> Iterator[None]:
    """A context in which other processes on this machine do not change a path.

    They must use `locked` too. The system releases the lock of a process that ends or
    is killed. Locks are files in the folder of temporary files, so that nothing is
    left beside `path`.

    Args:
        path: path of a file or a folder, which need not exist.
        wait: float, how many seconds to wait for another process.

    Raises:
        OSError: if another process still has the lock then.

    Example:

    >>> with locked("classifier.keras"):
    ...     pass
    """
    folder = pathlib.Path(tempfile.gettempdir(), f"fsl_keras-locks-{getpass.getuser()}")
    folder.mkdir(exist_ok=True)
    name = os.fsencode(pathlib.Path(path).expanduser().resolve())
    lock = FileLock(folder / f"{hashlib.sha256(name).hexdigest()[:24]}.lock")
    try:
        lock.acquire(timeout=wait)
    except Timeout as error:
        raise OSError(
            f"Another process is changing {path}. Try again when it has ended."
        ) from error
    try:
        yield
    finally:
        lock.release()
