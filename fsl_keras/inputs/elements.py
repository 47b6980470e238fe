"""One image: a path, bytes, an open file, a Pillow image or an array."""

import io
import os
import pathlib
import re
from typing import Any

import numpy as np
import PIL.Image

# A scheme of one letter is a drive of Windows.
_URL = re.compile(r"([a-z][a-z0-9+.-]+://|data:)", re.IGNORECASE)


def is_path(element: Any) -> bool:
    """Returns whether an object is the path of a file.

    Example:

    >>> is_path("a.png"), is_path(pathlib.Path("a.png")), is_path(b"GIF89a")
    (True, True, False)
    """
    return isinstance(element, (str, os.PathLike))


def is_file_like(element: Any) -> bool:
    """Returns whether an object has a `read` method, such as an open file."""
    return hasattr(element, "read") and not isinstance(element, os.PathLike)


def is_single(given: Any) -> bool:
    """Returns whether the type of an object is that of one image, except arrays."""
    types = (str, os.PathLike, bytes, bytearray, memoryview, PIL.Image.Image)
    return isinstance(given, types) or is_file_like(given)


def source_of(element: Any, index: int) -> Any:
    """Returns the path of an image, the name of its file, or its index.

    Args:
        element: an image in any form. Open files, uploads and Pillow images of files
            have the name of a file.
        index: integer.

    Returns:
        A path as given, a string or an integer.

    Example:

    >>> source_of("a.png", 3), source_of(np.zeros((2, 2)), 3)
    ('a.png', 3)
    """
    if is_path(element):
        return element
    if isinstance(element, np.bytes_):
        path = _path_or_contents(element)
        return index if isinstance(path, bytes) else path
    if is_single(element):
        for attribute in ("filename", "name"):
            name = getattr(element, attribute, None)
            if isinstance(name, str) and name:
                return name
    return index


def plain(element: Any, index: int) -> Any:
    """Returns an image as a path, the bytes of a file, an array or a Pillow image.

    Args:
        element: a path (`~` is the home folder), the bytes of a file, an open binary
            file or an upload, a Pillow image, or an array or tensor `[H, W, C]` or
            `[H, W]`. NumPy's and TensorFlow's strings are paths, or the bytes of a
            file.
        index: integer, for error messages.

    Raises:
        ValueError: if it is something else.

    Example:

    >>> plain(io.BytesIO(b"GIF89a"), 0)
    b'GIF89a'
    """
    if hasattr(element, "numpy"):  # of TensorFlow
        element = element.numpy()
        element = np.bytes_(element) if isinstance(element, bytes) else element
    if isinstance(element, np.bytes_):
        element = _path_or_contents(element)
    if is_path(element):
        return _checked_path(element, index)
    if isinstance(element, (bytes, bytearray, memoryview)):
        return bytes(element)
    if isinstance(element, PIL.Image.Image):
        return element
    if is_file_like(element):
        return _contents(element, index)
    is_array = hasattr(element, "shape") or isinstance(element, list)
    array = np.asarray(element) if is_array else None
    if array is not None and array.dtype.kind in "iufb" and array.ndim in (2, 3):
        return array
    shape = "" if array is None else f" of shape {array.shape} and type {array.dtype}"
    raise ValueError(
        f"The image of index {index} is a {type(element).__name__}{shape}: "
        f"{_short(element)}. Expected the path of a file, its bytes, an open file, a "
        f"Pillow image, or an array [height, width, channels] or [height, width]. "
        f"Remove missing images, and pass labels separately."
    )


def _checked_path(path, index):
    text = os.fspath(path)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if not text.strip():
        raise ValueError(f"The image of index {index} is missing: its path is empty.")
    if _URL.match(text):
        raise ValueError(
            f"{_short(text)} is a URL, which is not downloaded: save the image as a "
            f"file and give its path, or give its bytes."
        )
    return pathlib.Path(text).expanduser() if text.startswith("~") else text


def _path_or_contents(text):
    """Returns a string of NumPy or TensorFlow as a path, or as the bytes of a file."""
    # Every image file has a zero byte, and no path does.
    return bytes(text) if not text or b"\0" in text else os.fsdecode(bytes(text))


def _contents(file, index):
    # An upload of FastAPI reads asynchronously, and has a synchronous `file`.
    file = getattr(file, "file", file)
    if isinstance(file, io.TextIOBase):
        raise ValueError(
            f"The file of index {index} is open as text: open it with "
            f'`open(path, "rb")`.'
        )
    if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
        file.seek(0)  # it may have been shown or read before
    return bytes(file.read())


def _short(thing):
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
