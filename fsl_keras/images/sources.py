"""The contents of image files, or why they cannot be had."""

import os
import stat

_OTHERS = {
    stat.S_IFDIR: "a folder, not a file",
    stat.S_IFIFO: "a named pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


class NoContents(Exception):
    """A file cannot be read; the message says why, without its name."""


def contents_of(source, most=-1):
    """Returns the bytes of a source: those of the file at a path, or itself.

    At most so many of the first ones, or all.

    A pipe, socket or device is not opened, as that could wait for ever.

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


def check_sources(sources):
    """Returns sources as a list, each a path or bytes."""
    if isinstance(sources, (str, bytes, os.PathLike)):
        raise ValueError(
            f"Expected a list of paths, got one: [{_shown(sources)}] is one."
        )
    sources = list(sources)
    for index, source in enumerate(sources):
        if not isinstance(source, (str, bytes, os.PathLike)):
            raise TypeError(
                f"Expected paths or the bytes of files, got {type(source).__name__} at "
                f"index {index}. Give arrays and Pillow images to "
                f"`ImagePreprocessing.from_list`."
            )
    return sources


def name_of(source, index):
    """The name that messages give to a source."""
    return f"item of index {index}" if isinstance(source, bytes) else str(source)


def _shown(source):
    return "contents" if isinstance(source, bytes) else repr(str(source))
