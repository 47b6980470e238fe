"""Putting a file or folder in the place of another, and what killed processes left."""

import contextlib
import ctypes
import errno
import hashlib
import os
import re
import shutil
import socket
import stat
import sys
import time
import uuid

# What nobody wrote to for a day belongs to no living process, also where the process
# ran on another machine, or its number is in use again.
STALE_SECONDS = 24 * 3600


def put(new, path):
    """Puts the file or folder `new` in the place of `path`, which may exist.

    Raises:
        OSError: if `path` is a mount point that cannot be filled either.
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


def hidden(path, role="new"):
    """Returns a new hidden name beside a path, which tells its role and its process."""
    process = f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{_short(path)}.{role}-{process}{path.suffix}")


def remove(path):
    """Removes a file or folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def clean(path):
    """Removes what killed processes left beside `path`.

    Where a process was killed after it put the old folder aside, and before the new
    one was in its place, the old one is put back.
    """
    pattern = re.compile(
        rf"\.{re.escape(_short(path))}\.(?P<role>new|old)-(?P<machine>[0-9a-f]+)-"
        rf"(?P<process>\d+)-[0-9a-f]+{re.escape(path.suffix)}"
    )
    for name in os.listdir(path.parent):
        found = pattern.fullmatch(name)
        left = path.with_name(name)
        # What cannot be removed now may be at the next write.
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
    """Exchanges two folders in one step, or returns False where the system cannot."""
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
    """Moves the contents of a folder into an empty one, which is a mount point."""
    if not path.is_dir() or any(path.iterdir()):
        raise OSError(
            f"{path} is a mount point and cannot be replaced as a whole. Empty it "
            f"first if it is a folder, or choose a path inside of a mounted folder."
        )
    # It is another file system, and what is half copied must not look whole.
    inside = path / new.name
    try:
        shutil.copytree(new, inside)
        # Folders first: the file that tells the kind of the folder comes last.
        for entry in sorted(inside.iterdir(), key=lambda entry: entry.is_file()):
            os.replace(entry, path / entry.name)
    finally:
        remove(inside)


def _take_permissions(new, old):
    """Gives `new` the mode of `old`, and its owner where this is permitted."""
    known = old.stat()
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(new, known.st_uid, known.st_gid)
    os.chmod(new, stat.S_IMODE(known.st_mode))


def _short(path):
    """Returns the stem of a name, shortened: a name has 255 bytes at most."""
    if len(path.name) <= 40:
        return path.stem
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    return f"{path.name[:32]}-{digest}"


def _machine():
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_stale(path, name):
    """Whether the process that wrote a hidden file or folder is no longer there."""
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
