"""Texts: their items and features, and how they are given."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.app.learners import Embedder
from fsl_keras.app.pictures import Embedded
from fsl_keras.app.uploads import Upload
from fsl_keras.datasets.texts import text_of


def embed(
    texts: Sequence[Any], embedder: Embedder
) -> tuple[list[Embedded], list[tuple[int, str]]]:
    """Embeds texts, in batches of bounded size.

    Args:
        texts: list of strings.
        embedder: `Embedder`.

    Returns:
        Two lists: an `Embedded` of each string that is a text, and pairs of the
        position and the reason of the others.
    """
    clean, rows, bad = [], [], []
    for row, text in enumerate(texts):
        try:
            clean.append(text_of(text))
            rows.append(row)
        except ValueError as error:
            bad.append((row, str(error)))
    items = np.empty(len(clean), object)
    items[:] = clean
    size = inputs.batch_size(())
    features = [
        vector[None]
        for start in range(0, len(items), size)
        for vector in embedder.features(items[start : start + size])
    ]
    return list(map(Embedded, rows, clean, features)), bad


def features_of(text: str, embedder: Embedder) -> np.ndarray:
    """Returns the features `[1, *feature]` of one text.

    Args:
        text: string.
        embedder: `Embedder`.

    Raises:
        ValueError: if it is blank, or has characters that no encoding has.
    """
    found, bad = embed([text], embedder)
    if bad:
        raise ValueError(f"The text {bad[0][1]}.")
    return found[0].features


def upload_of(text: str, label: str = "") -> Upload:
    """Returns a text as what is taught.

    Args:
        text: string.
        label: string, the class that a table names, or `""`.
    """
    return Upload(inputs.stored_text(text), text, label)
