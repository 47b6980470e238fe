"""Labeled examples in any form, as batches for a learner."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fsl_keras.datasets.folders import listed, warn_of_skipped
from fsl_keras.datasets.labels import label_index
from fsl_keras.inputs.batches import READ, hint_of_texts, item_batches
from fsl_keras.inputs.forms import Elements
from fsl_keras.inputs.texts import ELLIPSIS, shortened
from fsl_keras.typing import Model

# The number of characters of a text that a classifier keeps as its source.
LONGEST = 1000


def stored_text(text: str) -> str:
    """Returns a text as a classifier keeps it: its first 1,000 characters.

    Example:

    >>> stored_text("top up"), len(stored_text("top up " * 1000))
    ('top up', 1000)
    """
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + ELLIPSIS


class Examples:
    """Labeled examples in any form, as batches for a learner.

    They are read once, as batches are requested. A Dataset whose classes are unknown is
    read by the constructor, and its preprocessed items are kept in memory.

    Args:
        images: images, texts or other items in any form, see `EpisodicModel.adapt`.
        labels: `n` integers or names, or one name for all; None if the images contain
            them.
        class_names: optional list of names.
        preprocessing: the `ImagePreprocessing` of images; None for other items.
        item_kind: string, see `EpisodicModel.item_kind`.

    Raises:
        ValueError: if labels and images do not match.
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        class_names: Sequence[str] | None,
        preprocessing: Model | None = None,
        item_kind: str = "image",
    ):
        self._preprocessing = preprocessing
        self._skipped: list = []
        self._sources: list = []
        self._held: list | None = None
        self._index: Any
        if isinstance(labels, str):
            self._elements = Elements.unlabeled(
                images, item_kind, may_have_labels=False
            )
            self.class_names = list(class_names or [labels])
            self._index = self.class_names.index(labels)
            return
        self._elements = Elements.labeled(images, labels, item_kind)
        if class_names is None:
            class_names = getattr(images, "class_names", None)
        if class_names is None and len(self._elements.labels) == 0:
            self._held = list(self._read(READ))
        self._index, self.class_names = label_index(self._elements.labels, class_names)

    def __len__(self) -> int:
        """The number of examples; 0 if it is not known before they are read."""
        return self._elements.length or len(self._elements.labels or ())

    def source(self, row: int) -> str | int:
        """Returns the path of an example, a string, or its index; of a text, the text.

        Texts of more than 1,000 characters are shortened.
        """
        source = self._sources[row]
        if self._elements.item_kind == "text":
            return stored_text(source)
        return source if isinstance(source, int) else os.fspath(source)

    @property
    def names(self) -> list[str] | None:
        """The texts, quoted and shortened, by which reports name them; else None."""
        if self._elements.item_kind != "text":
            return None
        return [repr(shortened(text)) for text in self._elements.images]

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yields triples: items `[b, *item]`, class numbers `[b]` and indices `[b]`.

        Files that cannot be read are skipped, with a warning that names them.

        Args:
            size: integer, the maximum batch size.

        Raises:
            ValueError: if no example can be read.
        """
        read = self._read(size) if self._held is None else self._held
        for items, rows in read:
            for first in range(0, len(rows), size):
                some = rows[first:][:size]
                yield items[first:][:size], self._numbers(some), some
        total = len(self._sources)
        if len(self._skipped) == total:
            reasons = listed([f"{name}: {reason}" for name, reason in self._skipped])
            files = "the file" if total == 1 else f"any of the {total} files"
            hint = hint_of_texts(self._skipped)
            raise ValueError(f"Cannot read {files}: {reasons}. {hint}".rstrip())
        warn_of_skipped(self._skipped, total)

    def _read(self, size):
        return item_batches(
            self._elements, self._preprocessing, size, self._skipped, self._sources
        )

    def _numbers(self, rows):
        if isinstance(self._index, int):
            return np.full(len(rows), self._index)
        if len(self._index) == 0:
            labels = [self._elements.labels[row] for row in rows]
            return label_index(labels, self.class_names)[0]
        return self._index[rows]
