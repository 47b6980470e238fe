"""Examples in the forms people have them in, as batches a learner takes."""

import math
import os

import numpy as np
import tensorflow as tf

from fsl_keras import pictures
from fsl_keras.datasets.folders import (
    listed,
    picture_files,
    warn_of_animations,
    warn_of_skipped,
)
from fsl_keras.datasets.labels import label_index

# Files are read so many at a time, in threads that a network would compete with.
READ = 64


class Examples:
    """Labelled examples: an array, a list of pictures or of files, or a Dataset.

    Args:
        images: array `[n, *item]`, list of arrays of different sizes, list of file
            paths, `tf.data.Dataset` of batches `(images, labels)`, or the path of a
            folder that holds a folder of pictures for each class.
        labels: `n` integers or names, or one name for all; None for a Dataset or a
            folder.
        class_names: optional list of names.
        preprocessing: optional `PicturePreprocessing`.

    Raises:
        ValueError: if labels and images do not go together.
    """

    def __init__(self, images, labels, class_names, preprocessing):
        self._preprocessing = preprocessing
        if isinstance(images, (str, os.PathLike)) and labels is None:
            files = picture_files(images)
            images = [path for paths in files.values() for path in paths]
            labels = [name for name, paths in files.items() for _ in paths]
        if isinstance(images, tf.data.Dataset):
            if labels is not None:
                raise ValueError("A Dataset holds its labels: leave `labels` out.")
            class_names = class_names or getattr(images, "class_names", None)
            images, labels = _read_dataset(images, preprocessing)
            self._preprocessing = None
        elif labels is None:
            raise ValueError("`labels` are missing: give one for each image.")
        _check_is_many(images)
        if len(images) == 0:
            raise ValueError("There are no images to learn from.")
        if isinstance(labels, str):
            labels = [labels] * len(images)
        self._images = images
        self._index, self.class_names = label_index(labels, class_names, len(images))

    def __len__(self):
        return len(self._images)

    def source(self, row):
        """Returns what an example was read from: its file, or its index as given."""
        return str(self._images[row]) if are_paths(self._images) else int(row)

    def batches(self, size):
        """Yields triples: items `[b, *item]`, class numbers and indices `[b]`.

        Files that cannot be read are named and left out.
        """
        if self._preprocessing is not None and are_paths(self._images):
            yield from self._file_batches(size)
            return
        start = 0
        for items in batches_of(self._images, self._preprocessing, size):
            rows = start + np.arange(len(items))
            yield items, self._index[rows], rows
            start += len(items)

    def _file_batches(self, size):
        paths, skipped = self._images, []
        for items, rows in file_batches(paths, self._preprocessing, size, skipped):
            yield items, self._index[rows], rows
        if len(skipped) == len(paths):
            reasons = listed([f"{path}: {reason}" for path, reason in skipped])
            raise ValueError(
                f"None of the {len(paths)} files can be read: {reasons}. Give others, "
                f"or save them anew."
            )
        warn_of_skipped(skipped, len(paths))


def batch_size(item_shape):
    """Returns how many items are embedded at a time, by their size.

    So that a folder of a million photographs needs no more memory than one of a
    hundred: 8 pictures of 224 x 224 pixels, 64 of small ones.

    Example:

    >>> batch_size((224, 224, 3)), batch_size((28, 28, 1))
    (8, 64)
    """
    pixels = math.prod(item_shape[:2]) if len(item_shape) == 3 else 1
    return int(np.clip(8 * 224 * 224 // pixels, 1, 64))


def file_batches(paths, preprocessing, size, skipped):
    """Yields preprocessed batches of the files that can be read.

    At the end, a warning names those that are animated.

    Args:
        paths: list of picture files.
        preprocessing: `PicturePreprocessing`.
        size: integer, the largest batch.
        skipped: list, to which pairs `(path, reason)` of the others are added.

    Yields:
        Pairs of items `[b, *item]` and the index of each in `paths`.
    """
    layer, kept = preprocessing, []
    for start in range(0, len(paths), READ):
        images, rows, bad = pictures.read(
            paths[start : start + READ], layer.size, layer.channels, layer.invert
        )
        skipped.extend(bad)
        for first in range(0, len(rows), size):
            batch = images[first : first + size]
            yield pictures.to_unit_range(batch).numpy(), start + rows[first:][:size]
        kept.extend(paths[start + row] for row in rows)
    warn_of_animations(kept)


def batches_of(images, preprocessing, size):
    """Yields preprocessed batches `[b, *item]` of an array or list of examples.

    Args:
        images: array `[n, *item]`, list of arrays, or list of file paths.
        preprocessing: optional `PicturePreprocessing`.
        size: integer, the largest batch.

    Raises:
        ValueError: if a picture cannot be taken, with its name or index.
    """
    _check_is_many(images)
    if len(images) == 0:
        raise ValueError("There are no images.")
    for start in range(0, len(images), size):
        try:
            items = _items(images[start : start + size], preprocessing)
        except ValueError as error:
            if start == 0:
                raise
            raise ValueError(f"Of the images from {start} on: {error}") from error
        yield items
    if preprocessing is not None and are_paths(images):
        warn_of_animations(images)


def _items(images, preprocessing):
    """Returns a batch of examples as the array a learner takes."""
    if preprocessing is None:
        return _check_finite(np.asarray(images))
    if are_paths(images):
        return preprocessing.from_files(images).numpy()
    if isinstance(images, (list, tuple)):
        return preprocessing.from_list(images).numpy()
    return preprocessing(images).numpy()


def _check_finite(items):
    if items.dtype.kind != "f":
        return items
    finite = np.isfinite(items).reshape(len(items), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"The items of index {np.flatnonzero(~finite)[:5].tolist()} hold NaN or "
            f"infinite values. Leave them out or mend them."
        )
    return items.astype("float32")


def _read_dataset(dataset, preprocessing):
    """Reads items and labels of a Dataset in one pass: it may shuffle at each."""
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError("The Dataset has no end: `.take` as much as is to be learned.")
    if dataset.element_spec[1].shape.rank == 0:
        dataset = dataset.batch(1)
    items, labels = [], []
    for images, batch in dataset:
        items.append(_items(images, preprocessing))
        labels.extend(batch.numpy().tolist())
    if not items:
        raise ValueError("The Dataset has no elements.")
    return np.concatenate(items), [_plain(label) for label in labels]


def _plain(label):
    return label.decode() if isinstance(label, bytes) else label


def _check_is_many(images):
    if isinstance(images, (str, bytes, os.PathLike)):
        raise ValueError(
            f"Give a list of pictures: `[{str(images)!r}]`, not one alone."
        )


def are_paths(images):
    """Says whether examples are given as the paths of their files."""
    listed = isinstance(images, (list, tuple)) and len(images) > 0
    return listed and isinstance(images[0], (str, os.PathLike))
