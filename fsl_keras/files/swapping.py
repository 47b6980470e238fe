"""Atomic replacement of files and folders, and the remains of killed processes."""

import contextlib
import ctypes
import errno
import hashlib
import os
import pathlib
import re
import shutil
import socket
import stat
import sys
import time
import uuid

# A file that was not written for a day belongs to a killed process, even if that ran on
# another machine, or its number is in use again.
STALE_SECONDS = 24 * 3600


def put(new: pathlib.Path, path: pathlib.Path) -> None:
    """Renames a file or folder to `path`, which may exist.

    Raises:
        OSError: if `path` is a mount point with files in it.
    """
    if path.exists():
        _take_permissions(new, path)
    try:
        if path.is_dir():
            _swap_folders(new, path)
        else:
            os.replace(new, path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        _fill(new, path)


def hidden(path: pathlib.Path, role: str = "new") -> pathlib.Path:
    """Returns a unique hidden path in the folder of `path`, with role and process."""
    process = f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{_short(path)}.{role}-{process}{path.suffix}")


def remove(path: pathlib.Path) -> None:
    """Removes a file or folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def clean(path: pathlib.Path) -> None:
    """Removes the temporary files of killed processes that wrote to `path`.

    If a process was killed after it renamed the old folder and before it renamed the
    new one, the old folder is restored.
    """
    pattern = re.compile(
        rf"\.{re.escape(_short(path))}\.(?P<role>new|old)-(?P<machine>[0-9a-f]+)-"
        rf"(?P<process>\d+)-[0-9a-f]+{re.escape(path.suffix)}"
    )
    for name in os.listdir(path.parent):
        found = pattern.fullmatch(name)
        left = path.with_name(name)
        # Files that cannot be removed are left for the next write.
        with contextlib.suppress(OSError):
            if not found or not _is_stale(left, found):
                continue
            if found["role"] == "old" and not path.exists():
                os.replace(left, path)
            else:
                remove(left)


def _swap_folders(new, path):
    if _exchange(new, path):
        return
    old = hidden(path, "old")
    os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        os.replace(old, path)
        raise
    remove(old)


def _exchange(one, other):
    """Exchanges two folders atomically; returns False if the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE
    if rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _fill(new, path):
    """Moves the contents of a folder into an empty mount point."""
    if not path.is_dir() or any(path.iterdir()):
        raise OSError(
            f"{path} is a mount point and cannot be replaced as a whole. Empty it "
            f"first if it is a folder, or choose a path inside of a mounted folder."
        )
    # Copied to another file system first, so that renaming completes it.
    inside = path / new.name
    try:
        shutil.copytree(new, inside)
        # Folders first: the required file of the kind comes last.
        for entry in sorted(inside.iterdir(), key=lambda entry: entry.is_file()):
            os.replace(entry, path / entry.name)
    finally:
        remove(inside)


def _take_permissions(new, old):
    """Copies the mode of `old`, and its owner if permitted."""
    known = old.stat()
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, known.st_uid, known.st_gid)
    os.chmod(new, stat.S_IMODE(known.st_mode))


def _short(path):
    """Returns the stem of a name, shortened: names have 255 bytes at most."""
    if len(path.name) <= 40:
        return path.stem
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    return f"{path.name[:32]}-{digest}"


def _machine():
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_stale(path, name):
    """Returns whether the process that wrote a hidden file or folder has ended."""
    # On Windows, `os.kill` would end the process.
    if name["machine"] == _machine() and os.name == "posix":
        try:
            os.kill(int(name["process"]), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # a process of another user
    entries = (path, *path.rglob("*"))
    newest = max(entry.lstat().st_mtime for entry in entries)
    return time.time() - newest > STALE_SECONDS
