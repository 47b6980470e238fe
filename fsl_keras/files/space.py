"""Errors of a full disk, which name what could not be written."""

import contextlib
import errno
import os
from collections.abc import Iterator

from fsl_keras.typing import Path

# A full disk, a full share of one, and a file of more bytes than are allowed.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def raise_if_full(error: BaseException | None, path: Path) -> None:
    """Raises an error that names a path, if another one is of a full disk.

    Python's own names no file when a write fails; HDF5 and TensorFlow raise errors of
    other kinds, and name temporary files.

    Args:
        error: optional exception.
        path: string or `os.PathLike`, what could not be written.

    Raises:
        OSError: if the disk is full.

    Example:

    >>> raise_if_full(OSError(errno.ENOSPC, "No space left on device"), "a.keras")
    Traceback (most recent call last):
    ...
    OSError: a.keras cannot be written: No space left on device. Free some space, or
    choose another folder.
    """
    text = str(error)
    for reason in map(os.strerror, FULL):
        if reason in text:
            raise OSError(
                f"{path} cannot be written: {reason}. Free some space, or choose "
                f"another folder."
            ) from error


@contextlib.contextmanager
def named_if_full(path: Path) -> Iterator[None]:
    """A context in which errors of a full disk are those of `raise_if_full`.

    Args:
        path: string or `os.PathLike`, what is written.
    """
    try:
        yield
    except Exception as error:
        raise_if_full(error, path)
        raise
