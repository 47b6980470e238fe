"""The items of a `tf.data.Dataset`, one by one, with their labels."""

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.columns import has_labels, image_column, label_column
from fsl_keras.episodes.tuner import untuned


def tf_elements(dataset, labelled, images=True):
    """Reads the items of a Dataset in one pass, as it may shuffle at each.

    Args:
        dataset: finite `tf.data.Dataset` of items, of pairs `(item, label)`, triples
            `(item, label, sample_weight)`, or dictionaries with the names of
            `datasets.columns`; single or in batches, also ragged ones. The weights
            are not used.
        labelled: bool, whether labels are needed. Otherwise they are left out.
        images: bool, whether items are images or their files: `[H, W, C]`, `[H, W]`
            or strings, by which single items and batches are distinguished. None takes
            items of three axes and more for images.

    Yields:
        Pairs of an item, an array or bytes, and its label, an array or bytes, or None
        where `labelled` is False.

    Raises:
        ValueError: if the Dataset has no end, or its elements have no label.

    Example:

    >>> dataset = tf.data.Dataset.from_tensor_slices(([[1.], [2.]], ["a", "b"]))
    >>> [(item.tolist(), label) for item, label in tf_elements(dataset, True, False)]
    [([1.0], b'a'), ([2.0], b'b')]
    """
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The Dataset has no end: leave out its `repeat()`, or `.take` as many "
            "elements as are wanted."
        )
    _, spec = _parts(dataset.element_spec)
    if labelled and spec is None:
        raise ValueError(
            f"The elements of the Dataset are images without labels, "
            f"{dataset.element_spec}. Make them pairs `(image, label)`."
        )
    return _read(dataset, labelled, images)


def holds_labels(dataset):
    """Returns whether the elements of a Dataset have labels."""
    return _parts(dataset.element_spec)[1] is not None


def _read(dataset, labelled, images):
    for element in untuned(dataset):
        items, labels = _parts(element)
        labels = np.asarray(labels) if labelled else None
        if _is_batch(items, labels, images):
            for i, item in enumerate(items):
                yield _numpy(item), labels[i] if labelled else None
        else:
            yield _numpy(items), labels[()] if labelled else None


def _parts(element):
    """Returns the items and the labels, or None, of an element or of its spec."""
    if isinstance(element, dict):
        label = element[label_column(element)] if has_labels(element) else None
        return element[image_column(element)], label
    if not isinstance(element, (tuple, list)):
        return element, None
    if len(element) not in (1, 2, 3):
        raise ValueError(
            f"Elements of the Dataset must be images or pairs `(image, label)`. They "
            f"have {len(element)} parts: {element}."
        )
    items, label = element[0], element[1] if len(element) > 1 else None
    if isinstance(items, dict):
        items = items[image_column(items)]
    return items, label


def _is_batch(items, labels, images):
    if isinstance(items, tf.RaggedTensor):
        return True
    if labels is not None and labels.ndim == 0:
        return False
    rank = len(items.shape)
    if items.dtype == tf.string:
        return rank > 0
    if images or (images is None and rank > 2):
        # Three axes are those of an image, or many grey images without a channel.
        return rank > 3 or (rank == 3 and items.shape[-1] > 4)
    # A vector with one-hot labels is no batch of numbers.
    return rank > 1 and (labels is None or len(labels) == items.shape[0])


def _numpy(item):
    if isinstance(item, tf.RaggedTensor):
        item = item.to_tensor()
    item = item.numpy()
    return np.bytes_(item) if isinstance(item, bytes) else item
