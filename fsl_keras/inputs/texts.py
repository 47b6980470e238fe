"""Texts in any form, as an array of strings."""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import PIL.Image

from fsl_keras.datasets.folders import warn_of_skipped
from fsl_keras.datasets.texts import clean_texts, text_of
from fsl_keras.typing import Path

EXPECTED = (
    "This learner takes texts: strings in a list, an array, a pandas Series, a "
    "`tf.data.Dataset`, a table (.csv, .tsv, .jsonl) or a file of lines (.txt)."
)

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def texts_of(given: Any) -> np.ndarray:
    """Returns texts without labels as an array of strings.

    Args:
        given: a list, tuple, NumPy array, tensor, pandas Series, iterator or generator
            of strings, or of bytes in UTF-8; or a single one; or a `pathlib.Path` of a
            `.txt` file, see `read_lines`.

    Returns:
        An object array `[n]` of strings in Unicode's composed form (NFC).

    Raises:
        ValueError: if it is something else, or an element is not a text.

    Example:

    >>> texts_of(["where is my card", b"top up"]).tolist()
    ['where is my card', 'top up']
    """
    if isinstance(given, os.PathLike):
        return text_array(_lines_of(pathlib.Path(given).expanduser()))
    if hasattr(given, "to_numpy"):  # pandas
        given = given.to_numpy()
    if hasattr(given, "numpy"):  # TensorFlow
        given = given.numpy()
    if isinstance(given, (np.ndarray, np.generic)):
        given = _of_array(given)
    if isinstance(given, (str, bytes)):
        return text_array([given])
    is_unordered = isinstance(given, (set, frozenset, Mapping))
    is_image = isinstance(given, PIL.Image.Image)
    if is_unordered or is_image or not hasattr(given, "__iter__"):
        raise ValueError(f"{EXPECTED} Received: {_short(given)}")
    return text_array(given)


def text_array(texts: Iterable) -> np.ndarray:
    """Returns texts as an object array `[n]` of strings, see `clean_texts`."""
    texts = clean_texts(texts)
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def read_lines(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Reads a file of texts, one per line; blank lines are left out.

    Args:
        path: path of a file in UTF-8, with or without a byte order mark. Lines end in
            LF, CRLF or CR.

    Returns:
        Two lists: the texts, and pairs `(line, reason)` of the lines that are not valid
        UTF-8, such as `("line 3", "is not in UTF-8")`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it has no line that can be read.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    texts, skipped = [], []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            skipped.append((f"line {number}", "is not in UTF-8"))
            continue
        with contextlib.suppress(ValueError):  # a blank line
            texts.append(text_of(line))
    if not texts:
        wrong = f" {len(skipped)} lines are not in UTF-8." if skipped else ""
        raise ValueError(f"{path} holds no text.{wrong} Save one text per line.")
    return texts, skipped


def shortened(text: str, length: int = 60) -> str:
    """Returns a text of at most `length` characters, on one line.

    Example:

    >>> len(shortened("where is my card " * 9)), shortened("top  up")
    (60, 'top up')
    """
    line = " ".join(text[: 4 * length].split())
    cut = len(line) > length or len(text) > 4 * length
    return line[: length - 1] + ELLIPSIS if cut else line


def _of_array(array):
    """Returns a string, or a list of the elements of an array of them."""
    if array.dtype.kind not in "OSTU" or array.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"{EXPECTED} Received: an array of {array.dtype.name} of shape "
            f"{array.shape}"
        )
    if not array.ndim:
        return array.item()
    texts = array.reshape(-1).tolist()
    if array.dtype.kind == "U":  # NumPy converts a NaN among strings to this one
        texts = [np.nan if text == "nan" else text for text in texts]
    return texts


def _lines_of(path):
    if path.suffix.lower() != ".txt":
        raise ValueError(f"{EXPECTED} Received: {_short(path)}")
    texts, skipped = read_lines(path)
    places = [(f"{path.name}, {line}", reason) for line, reason in skipped]
    total = len(texts) + len(skipped)
    warn_of_skipped(places, total, noun="lines", stacklevel=6)
    return texts


def _short(thing):
    if hasattr(thing, "shape") and thing.shape != ():
        return f"an array of shape {tuple(thing.shape)}"
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
