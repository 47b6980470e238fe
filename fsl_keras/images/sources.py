"""The contents of image files, or why they cannot be read."""

import os
import stat
from collections.abc import Iterable

from fsl_keras.typing import Path

_OTHERS = {
    stat.S_IFDIR: "a folder, not a file",
    stat.S_IFIFO: "a named pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


class NoContents(Exception):
    """A file that cannot be read. The message is the reason, without its name."""


def contents_of(source: bytes | Path, most: int = -1) -> bytes:
    """Returns the bytes of a file at a path; bytes are returned as they are.

    A pipe, socket or device is not opened, as reading it might never end.

    Args:
        source: path or bytes.
        most: integer, the number of first bytes to read; all by default.

    Raises:
        NoContents: If there is no such file or it cannot be read.
    """
    if isinstance(source, bytes):
        return source
    try:
        kind = stat.S_IFMT(os.stat(source).st_mode)
        if kind != stat.S_IFREG:
            raise NoContents(_OTHERS.get(kind, "not a file"))
        with open(source, "rb") as file:
            return file.read(most)
    except FileNotFoundError as error:
        link = os.path.islink(source)
        raise NoContents(
            "a link to a file that does not exist" if link else "no such file"
        ) from error
    except PermissionError as error:
        raise NoContents("no permission to read it") from error
    except OSError as error:
        raise NoContents(error.strerror or str(error)) from error
    except ValueError as error:  # a null character
        raise NoContents(f"no file has such a name: {error}") from error


def check_sources(sources: Iterable[bytes | Path]) -> list[bytes | Path]:
    """Returns sources as a list of paths and bytes.

    Raises:
        ValueError: If `sources` is a single one.
        TypeError: If one is neither path nor bytes.
    """
    if isinstance(sources, (str, bytes, os.PathLike)):
        raise ValueError(
            f"`sources` must be a list of paths. Received a single one: pass "
            f"[{_shown(sources)}]."
        )
    sources = list(sources)
    for index, source in enumerate(sources):
        if not isinstance(source, (str, bytes, os.PathLike)):
            raise TypeError(
                f"`sources` must be paths or the bytes of files. Received: "
                f"{type(source).__name__} at index {index}. Pass arrays and Pillow "
                f"images to `ImagePreprocessing.from_list`."
            )
    return sources


def name_of(source: bytes | Path, index: int) -> str:
    """Returns the name of a source in messages."""
    return f"item of index {index}" if isinstance(source, bytes) else str(source)


def _shown(source):
    return "contents" if isinstance(source, bytes) else repr(str(source))
