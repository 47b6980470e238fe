"""Texts in any form, converted to strings."""

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from fsl_keras.datasets.labels import as_python, is_missing

# The Unicode categories of blanks and of control and format characters.
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp", "Zs")


def are_texts(items: Any) -> bool:
    """Returns whether items are texts: whether an array or a list has strings.

    Example:

    >>> are_texts(["a", None]), are_texts([[1.0], [2.0]])
    (True, False)
    """
    if hasattr(items, "to_numpy"):  # pandas
        items = items.to_numpy()
    if hasattr(items, "dtype"):
        return _is_of_strings(items) or getattr(items.dtype, "kind", "") == "O"
    return any(isinstance(item, (str, bytes)) or _is_of_strings(item) for item in items)


def _is_of_strings(array):
    dtype = getattr(array, "dtype", None)
    kind, name = getattr(dtype, "kind", ""), getattr(dtype, "name", "")
    return kind in ("S", "T", "U") or name == "string"


def clean_texts(texts: Iterable, noun: str = "texts") -> list[str]:
    """Returns texts as strings.

    Args:
        texts: array, column, list, tensor or pandas Series of texts, see `text_of`.
        noun: string, what the texts are called in the error.

    Raises:
        ValueError: if some are no texts, with their rows and the reasons.

    Example:

    >>> clean_texts(np.array([b"one", b"two"]))
    ['one', 'two']
    """
    if hasattr(texts, "to_numpy"):  # pandas
        texts = texts.to_numpy()
    if hasattr(texts, "numpy"):  # TensorFlow
        texts = texts.numpy()
    if isinstance(texts, np.ndarray) and texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    found, wrong = [], []
    for row, text in enumerate(texts):
        try:
            found.append(text_of(text))
        except ValueError as error:
            wrong.append(f"row {row} {error}")
    if wrong:
        more = [f"and {len(wrong) - 10} more"] if len(wrong) > 10 else []
        raise ValueError(
            f"{len(wrong)} of {len(found) + len(wrong)} {noun} are not strings with "
            f"a visible character: {'; '.join([*wrong[:10], *more])}. Correct or "
            f"remove these rows."
        )
    return found


def text_of(text: Any) -> str:
    """Returns a text as a string, in Unicode's composed form (NFC).

    Args:
        text: string of Python, NumPy or TensorFlow, or bytes in UTF-8.

    Raises:
        ValueError: if it is something else or invisible, with the reason alone, such
            as "is blank".

    Example:

    >>> text_of(b"Where is my card?")
    'Where is my card?'
    """
    text = as_python(text)
    if is_missing(text):
        raise ValueError("is missing")
    if not isinstance(text, (str, bytes)):
        raise ValueError(f"is of type {type(text).__name__}, not a string")
    if isinstance(text, bytes):
        text = text.decode(errors="surrogateescape")
    if not is_unicode(text):
        raise ValueError("is not in UTF-8")
    if all(unicodedata.category(character) in _INVISIBLE for character in text):
        raise ValueError("is blank")
    return unicodedata.normalize("NFC", text)


def is_unicode(text: str) -> bool:
    r"""Returns whether a string has no surrogates, which no encoding has.

    Example:

    >>> is_unicode("häron"), is_unicode(b"h\xe4ron".decode(errors="surrogateescape"))
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
