"""The items of a `tf.data.Dataset`, one by one, with their labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.columns import (
    ITEM_NAMES,
    has_items,
    has_labels,
    item_column,
    label_column,
)
from fsl_keras.episodes.tuner import untuned
from fsl_keras.typing import Dataset


def tf_elements(
    dataset: Dataset, labelled: bool, kind: str | None = "image"
) -> Iterator[tuple[Any, Any]]:
    """Reads the items of a Dataset in one pass, as it may shuffle at each.

    Args:
        dataset: finite `tf.data.Dataset` of items, of pairs `(item, label)`, triples
            `(item, label, sample_weight)`, or dictionaries with the names of
            `datasets.columns`; single or in batches, also ragged ones. The weights
            are not used.
        labelled: bool, whether labels are needed. Otherwise they are left out.
        kind: what an item is, by which single items and batches are distinguished:
            `"image"` (`[H, W, C]`, `[H, W]` or the string of a file), `"text"` or
            `"array"`. None takes items of three axes and more for images, and strings
            for texts.

    Yields:
        Pairs of an item, an array or bytes, and its label, an array or bytes, or None
        where `labelled` is False.

    Raises:
        ValueError: if the Dataset is infinite, or its elements have no label.

    Example:

    >>> dataset = tf.data.Dataset.from_tensor_slices(([[1.], [2.]], ["a", "b"]))
    >>> [(item.tolist(), label) for item, label in tf_elements(dataset, True, "array")]
    [([1.0], b'a'), ([2.0], b'b')]
    """
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The Dataset is infinite: remove its `repeat()`, or `.take` a number of "
            "elements."
        )
    _, spec = _parts(dataset.element_spec, kind)
    if labelled and spec is None:
        noun = kind or "item"
        raise ValueError(
            f"The elements of the Dataset are {noun}s without labels, "
            f"{dataset.element_spec}. Make them pairs `({noun}, label)`."
        )
    return _read(dataset, labelled, kind)


def read_labeled(dataset: Dataset) -> tuple[np.ndarray, list]:
    """Reads all items and labels of a Dataset; see `ClassDataset.from_dataset`.

    Returns:
        A pair: an array of the items, uint8 if they are images from 0 to 255, bytes if
        they are texts, and the list of labels.

    Raises:
        ValueError: as `tf_elements`, and if the Dataset is empty or items differ in
            shape.
    """
    pairs = list(tf_elements(dataset, labelled=True, kind=None))
    if not pairs:
        raise ValueError("The dataset has no elements.")
    shapes = {np.shape(item) for item, _ in pairs}
    if len(shapes) > 1:
        raise ValueError(
            f"The items of the dataset differ in shape, such as {sorted(shapes)[:2]}. "
            f"Resize them to one shape, for example with `tf.image.resize`."
        )
    values = np.stack([item for item, _ in pairs])
    is_float_image = values.dtype.kind == "f" and values.ndim == 4
    if is_float_image and 1 < values.max() <= 255 and values.min() >= 0:
        values = np.round(values).astype("uint8")
    return values, [label for _, label in pairs]


def holds_labels(dataset: Dataset) -> bool:
    """Returns whether the elements of a Dataset have labels."""
    spec = dataset.element_spec
    return has_labels(spec) if isinstance(spec, dict) else _parts(spec)[1] is not None


def _read(dataset, labelled, kind):
    for element in untuned(dataset):
        items, labels = _parts(element, kind)
        labels = np.asarray(labels) if labelled else None
        if _is_batch(items, labels, kind):
            for i, item in enumerate(items):
                yield _numpy(item), labels[i] if labelled else None
        else:
            yield _numpy(items), labels[()] if labelled else None


def _parts(element, kind=None):
    """Returns the items and the labels, or None, of an element or of its spec."""
    if isinstance(element, dict):
        label = element[label_column(element)] if has_labels(element) else None
        return _item_of(element, kind), label
    if not isinstance(element, (tuple, list)):
        return element, None
    if len(element) not in (1, 2, 3):
        raise ValueError(
            f"Elements of the Dataset must be images or pairs `(image, label)`. They "
            f"have {len(element)} parts: {element}."
        )
    items, label = element[0], element[1] if len(element) > 1 else None
    return _item_of(items, kind) if isinstance(items, dict) else items, label


def _item_of(element, kind):
    """Returns the item of a dictionary; of unknown kind, images before texts."""
    if kind not in ITEM_NAMES:
        numbers = [
            name
            for name, part in element.items()
            if getattr(part, "dtype", None) != tf.string
        ]
        is_text = has_items(element, "text") and not has_items(numbers, "image")
        kind = "text" if is_text else "image"
    return element[item_column(element, kind)]


def _is_batch(items, labels, kind):
    if isinstance(items, tf.RaggedTensor):
        return True
    if labels is not None and labels.ndim == 0:
        return False
    rank = len(items.shape)
    if items.dtype == tf.string:
        return rank > 0
    if kind == "image" or (kind is None and rank > 2):
        # Three axes are those of an image, or of grayscale images without a channel.
        return rank > 3 or (rank == 3 and items.shape[-1] > 4)
    # A vector with one-hot labels is no batch of numbers.
    return rank > 1 and (labels is None or len(labels) == items.shape[0])


def _numpy(item):
    if isinstance(item, tf.RaggedTensor):
        item = item.to_tensor()
    item = item.numpy()
    return np.bytes_(item) if isinstance(item, bytes) else item
