"""Converts any form of images and labels to images and the label of each."""

import collections.abc
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.columns import LABEL_NAMES
from fsl_keras.datasets.folders import class_files, files_by_class, warn_of_skipped
from fsl_keras.datasets.labels import clean_labels
from fsl_keras.datasets.tables import (
    is_data_frame,
    is_table_file,
    read_data_frame,
    read_table,
)
from fsl_keras.datasets.tf_elements import holds_labels, tf_elements
from fsl_keras.inputs.elements import is_single
from fsl_keras.inputs.kinds import noun_of
from fsl_keras.inputs.texts import text_array, texts_of


class Elements:
    """Images, texts or other items, and optionally the label of each.

    Args:
        images: array `[n, *item]`, list, or another iterable, which is read once.
        labels: optional list or array `[n]`. A list that is empty at first may grow as
            the images are read, each label with its image.
        item_kind: string, `"image"`, `"text"` or `"array"`, see
            `EpisodicModel.item_kind`.

    Raises:
        ValueError: if there are no images, or more or fewer labels than images. An
            iterable without a length raises it while it is read.
    """

    def __init__(self, images: Any, labels: Any = None, item_kind: str = "image"):
        self.images = images
        self.labels = labels
        self.item_kind = item_kind
        self.length = len(images) if hasattr(images, "__len__") else None
        if self.length == 0:
            raise ValueError(f"There are no {noun_of(item_kind)}s.")

    @classmethod
    def labeled(
        cls, images: Any, labels: Any = None, item_kind: str = "image"
    ) -> "Elements":
        """Makes the elements of labeled images.

        Args:
            images: images in any form.
            labels: their labels, or None if the images contain them: for a folder of
                class folders, a table or a Dataset.
            item_kind: see the class.
        """
        if labels is None:
            images, labels = _with_labels(images, item_kind)
            return cls(images, labels, item_kind)
        elements = cls.unlabeled(images, item_kind, may_have_labels=False)
        elements.labels = clean_labels(labels, elements.length)
        if elements.length is None:
            elements.images = _as_many(elements.images, len(elements.labels))
            elements.length = len(elements.labels)
        return elements

    @classmethod
    def unlabeled(
        cls, images: Any, item_kind: str = "image", may_have_labels: bool = True
    ) -> "Elements":
        """Makes the elements of images without labels.

        Args:
            images: images in any form. Of a folder, all images are taken, also in
                nested folders. A string is a text where items are texts, and a path
                where they are images.
            item_kind: see the class.
            may_have_labels: bool, whether to ignore the labels of a table or a
                Dataset. Otherwise they raise an error.
        """
        found: Any
        if isinstance(images, tf.data.Dataset):
            has_labels = holds_labels(images)
            pairs = tf_elements(images, False, item_kind)
            found = _checked((item for item, _ in pairs), item_kind)
        elif _is_table(images, item_kind, is_path=not isinstance(images, str)):
            labelled = False if may_have_labels else None
            found, labels = _read_table(images, item_kind, labelled)
            has_labels = labels is not None
        else:
            has_labels = False
            found = READERS[item_kind](images)
        if has_labels and not may_have_labels:
            raise ValueError(
                f"The {_kind(images)} holds labels of its own: leave `labels` out, or "
                f"give the {noun_of(item_kind)}s alone."
            )
        return cls(found, item_kind=item_kind)


def image_files(paths: list) -> list:
    """Lists the image files of paths.

    Args:
        paths: list of paths of files, of folders of images, and of tables.

    Returns:
        A list of paths.
    """
    return [file for path in paths for file in Elements.unlabeled(path).images]


def _with_labels(images, item_kind):
    """Returns the images and labels of a form that contains both."""
    noun = noun_of(item_kind)
    if isinstance(images, tf.data.Dataset):
        labels = []

        def read(pairs):
            for item, label in pairs:
                labels.append(label)
                yield item

        pairs = tf_elements(images, True, item_kind)
        return _checked(read(pairs), item_kind), labels
    if item_kind == "array":
        _refuse_files(images)
    found, labels = None, None
    if _is_table(images, item_kind, is_path=True):
        found, labels = _read_table(images, item_kind)
    elif item_kind == "image" and _is_path(images):
        path = pathlib.Path(images).expanduser()
        if not path.is_file():
            files = files_by_class(path)
            found = [file for paths in files.values() for file in paths]
            labels = [name for name, paths in files.items() for _ in paths]
    if labels is None and found is not None:
        raise ValueError(
            f"`labels` are missing: the table has no column of them. Name it one of: "
            f"{', '.join(LABEL_NAMES)}."
        )
    if labels is None:
        folder = "A folder of class folders does, and so do a"
        raise ValueError(
            f"`labels` are missing: give one for each {noun}. A {_kind(images)} holds "
            f"no labels. {folder if item_kind == 'image' else 'These do: a'} table "
            f'with a column "label" and a Dataset of pairs `({noun}, label)`.'
        )
    return found, clean_labels(labels, len(found))


def _is_table(given, item_kind, is_path):
    """Returns whether images or texts are a table.

    Args:
        is_path: bool, whether a string may be the path of one.
    """
    if item_kind == "array":
        return False
    may_be_file = _is_path(given) and (is_path or item_kind == "image")
    return is_data_frame(given) or (may_be_file and is_table_file(given))


def _read_table(given, item_kind, labelled=None):
    """Returns the images or texts of a table, and their labels or None.

    Args:
        labelled: optional bool, see `read_table`.
    """
    if is_data_frame(given):
        table = read_data_frame(given, item_kind, labelled=labelled)
    else:
        path = pathlib.Path(given).expanduser()
        table = read_table(path, item_kind, labelled=labelled)
    warn_of_skipped(
        table.skipped, len(table.items) + len(table.skipped), stacklevel=5, noun="rows"
    )
    return _checked(_listed(table.items), item_kind), table.labels


def _checked(found, item_kind):
    return text_array(found) if item_kind == "text" else found


def _images(given):
    """Returns images without labels as an array, a list or an iterator."""
    if _is_path(given):
        path = pathlib.Path(given).expanduser()
        return class_files(path) if path.is_dir() else [given]
    if is_single(given):
        return [given]
    if isinstance(given, tf.RaggedTensor):
        return [row.to_tensor() if hasattr(row, "to_tensor") else row for row in given]
    if hasattr(given, "to_numpy"):  # pandas
        given = given.to_numpy()
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        return _of_array(given)
    return _iterable(given)


def _of_array(given):
    if isinstance(given, tf.Tensor):
        given = given.numpy()
    if getattr(given.dtype, "kind", "") in ("U", "S", "O"):
        return _listed(np.asarray(given))
    rank = len(given.shape)
    if rank == 4:
        return given
    if rank == 3 and given.shape[-1] > 4:  # grey images without their channel
        return given[..., None]
    if rank in (2, 3):
        return [given]
    raise ValueError(
        f"The images have the shape {tuple(given.shape)}. Expected [n, height, width, "
        f"channels], or [height, width, channels] for one."
    )


def _items(given):
    """Returns items that are not images as an array, a list or an iterator."""
    _refuse_files(given)
    if isinstance(given, (str, bytes)):
        return [given]
    if hasattr(given, "to_numpy"):
        given = given.to_numpy()
    if hasattr(given, "shape"):
        one_vector = len(given.shape) == 1 and np.asarray(given).dtype.kind in "iufb"
        return np.asarray(given)[None] if one_vector else given
    return _iterable(given)


def _refuse_files(given):
    first = given[0] if isinstance(given, (list, tuple)) and given else given
    if isinstance(first, os.PathLike):
        raise ValueError(
            f"The items of this learner are not images, so files are not read: give an "
            f"array of items. Received: {first}"
        )


def _iterable(given):
    if isinstance(given, (list, tuple)):
        return list(given)
    is_unordered = isinstance(given, (set, frozenset, collections.abc.Mapping))
    if is_unordered or not hasattr(given, "__iter__"):
        raise ValueError(
            f"Images cannot be read from a {type(given).__name__}. Expected a list, an "
            f"array, a folder, a table, a `tf.data.Dataset` or an iterator of images, "
            f"or one image."
        )
    return given if hasattr(given, "__len__") else iter(given)


def _listed(paths):
    """Returns a column or an array of paths as a list, in its order."""
    if hasattr(paths, "to_numpy"):
        paths = paths.to_numpy()
    if isinstance(paths, np.ndarray):
        # Strings of TensorFlow come as bytes too: those of NumPy may be paths.
        as_numpy = (np.bytes_(x) if type(x) is bytes else x for x in paths.tolist())
        return list(as_numpy)
    return paths


def _as_many(images, count):
    """Yields images; raises an error if their number is not `count`."""
    seen = 0
    for image in images:
        seen += 1
        if seen > count:
            raise ValueError(f"There are {count} labels and more images.")
        yield image
    if seen < count:
        raise ValueError(f"There are {count} labels and {seen} images.")


def _is_path(given):
    return isinstance(given, (str, os.PathLike))


READERS = {"image": _images, "text": texts_of, "array": _items}


def _kind(given):
    if _is_path(given):
        return "table" if is_table_file(given) else "file"
    if isinstance(given, tf.data.Dataset):
        return "Dataset"
    return type(given).__name__
