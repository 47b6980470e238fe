"""The constructors of data sets, one for each form of data."""

import abc
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from fsl_keras.compat import renamed_parameters
from fsl_keras.datasets.folders import (
    files_by_class,
    warn_of_animations,
    warn_of_skipped,
)
from fsl_keras.datasets.items import Items, MemoryItems, read_items, stored_items
from fsl_keras.datasets.labels import label_index
from fsl_keras.datasets.record_items import read_records
from fsl_keras.datasets.records import find_records
from fsl_keras.datasets.tables import is_data_frame, read_data_frame, read_table
from fsl_keras.datasets.tf_elements import read_labeled
from fsl_keras.typing import Dataset, Path, Tensor

# Images of a folder stay in memory up to this many bytes.
MEMORY_LIMIT = 2**30


class ClassSources(abc.ABC):
    """The constructors of a `ClassDataset`."""

    @abc.abstractmethod
    def __init__(
        self,
        items: Items,
        class_rows: Sequence,
        class_names: Sequence[str],
        name: str = "data",
        skipped: Iterable[tuple[str, str]] = (),
    ) -> None: ...

    @classmethod
    def from_arrays(
        cls,
        images: Tensor,
        labels: Sequence | Tensor,
        class_names: Sequence[str] | None = None,
        name: str = "arrays",
        value_range: tuple[float, float] | None = None,
    ) -> Self:
        """Groups the items of an array by their labels.

        Args:
            images: array of uint8 images `[n, H, W, C]` or `[n, H, W]`, of float
                images in [0, 1] or of vectors `[n, d]`; or texts: an array, a list or
                a pandas Series of `n` strings.
            labels: `n` integers from 0, names, or one-hot rows; see `label_index`.
            class_names: optional list of names; integer labels index it.
            name: string, the name of the data set in reports.
            value_range: optional pair, the values of images that become 0 and 1;
                `(0, 255)` for floats up to 255.

        Raises:
            ValueError: if labels are floats, negative or of another number than the
                images, images hold NaN or values out of range, or texts are missing or
                blank.
        """
        values = stored_items(images, value_range)
        index, class_names = label_index(labels, class_names, len(values))
        rows = [np.flatnonzero(index == label) for label in range(len(class_names))]
        return cls(MemoryItems(values), rows, class_names, name)

    @classmethod
    @renamed_parameters(size="image_size")
    def from_directory(
        cls,
        folder: Path,
        image_size: tuple[int, int],
        channels: int = 3,
        invert: bool = False,
        memory_limit: int = MEMORY_LIMIT,
        name: str | None = None,
        check_files: bool = True,
    ) -> Self:
        """Reads a folder that holds a folder of images for each class.

        `datasets.folders.files_by_class` says which files and folders are read. Files
        are decoded in parallel. Those that cannot be read are skipped, named in a
        warning and listed in `skipped`. Of animated GIFs the first frame is read; a
        warning names them too.

        Args:
            folder: path.
            image_size: pair `(height, width)` in pixels, to which images are resized.
            channels: 1 for grayscale or 3 for color.
            invert: bool, True for dark ink on white paper: ink becomes 1.
            memory_limit: bytes up to which the resized images are kept in memory.
                Images of a larger set are decoded when episodes are drawn.
            name: optional string; the folder's name by default.
            check_files: bool, whether each file is decoded once at first. Without it,
                images stay in their files, and one that cannot be read raises an error
                when it is needed.

        Raises:
            FileNotFoundError: if the folder is not there.
            ValueError: if it has no class folders or a class has no readable image.
        """
        files = files_by_class(folder)
        class_names = list(files)
        paths = [path for name in class_names for path in files[name]]
        labels = np.repeat(np.arange(len(files)), [len(files[n]) for n in class_names])
        name = name or pathlib.Path(folder).name
        images = (image_size, channels, invert, memory_limit, check_files)
        # One level more than by default, for the decorator.
        return cls._of_files(paths, labels, class_names, name, images, stacklevel=5)

    @classmethod
    def from_csv(
        cls,
        path: Path,
        column: str | None = None,
        label_column: str | None = None,
        image_size: tuple[int, int] | None = None,
        name: str | None = None,
        **kwargs,
    ) -> Self:
        """Reads a table of labeled texts, or of labeled image files.

        The first line of a CSV or TSV file names the columns. A JSON lines file has an
        object in each line, whose keys are the columns. Labels are names, also if they
        are numbers.

        Rows without a text or a label, with a text that is not in UTF-8 or with too
        many cells are skipped, named in a warning and listed in `skipped`, as are
        images that cannot be read.

        Args:
            path: path of a `.csv`, `.tsv`, `.jsonl` or `.ndjson` file in UTF-8.
            column: optional string, the name of the column of texts or images. By
                default the first of `datasets.columns.TEXT_NAMES`, such as `"text"`, or
                of `IMAGE_NAMES`, that occurs.
            label_column: optional string, the name of the column of labels; by default
                the first of `LABEL_NAMES`, such as `"label"`, that occurs.
            image_size: pair `(height, width)` in pixels for a table of images, to which
                they are resized. Their paths are relative to the folder of the table.
                None for a table of texts.
            name: optional string; the file's name without suffix by default.
            **kwargs: `channels`, `invert`, `memory_limit` and `check_files` of images,
                as in `from_directory`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if a column is not there or its name occurs twice, or no row can
                be read.
        """
        path = pathlib.Path(path).expanduser()
        kind = "text" if image_size is None else "image"
        table = read_table(path, kind, column, label_column, labelled=True)
        return cls._of_table(table, name or path.stem, image_size, **kwargs)

    @classmethod
    def from_dataframe(
        cls,
        frame: Any,
        column: Any = None,
        label_column: Any = None,
        image_size: tuple[int, int] | None = None,
        name: str = "dataframe",
        **kwargs,
    ) -> Self:
        """Reads a pandas DataFrame of labeled texts, or of labeled image files.

        Args:
            frame: DataFrame. Paths of images are relative to the working folder.
            column: as in `from_csv`, as are the other arguments.
            label_column: optional name of the column of labels.
            image_size: pair `(height, width)` for a table of images, None for texts.
            name: string, the name of the data set in reports.
            **kwargs: of images, as in `from_csv`.

        Raises:
            ValueError: if `frame` is no DataFrame; or as `from_csv`.

        Example:

        >>> import pandas as pd
        >>> import fsl_keras as fsl
        >>> frame = pd.DataFrame({"text": ["hi", "bye"], "label": ["hello", "parting"]})
        >>> fsl.ClassDataset.from_dataframe(frame).summary()
        'dataframe: 2 classes of 1 texts, 2 in all'
        """
        if not is_data_frame(frame):
            raise ValueError(
                f"`frame` must be a pandas DataFrame. Received: {type(frame).__name__}"
            )
        kind = "text" if image_size is None else "image"
        table = read_data_frame(frame, kind, column, label_column, labelled=True)
        return cls._of_table(table, name, image_size, **kwargs)

    @classmethod
    def from_records(
        cls,
        paths: Path | Sequence[Path],
        image_size: tuple[int, int],
        image_key: str | None = None,
        label_key: str | None = None,
        name: str | None = None,
        **kwargs,
    ) -> Self:
        """Reads labeled images of TFRecord files or WebDataset archives (`.tar`).

        A sample of an archive is files that follow each other and have one name before
        the first dot: an image, and a label in a file such as `000123.cls`, or under
        the key `"label"` of `000123.json`. A TFRecord file holds `tf.train.Example`s.
        Classes are sorted by name. Records without an image or a label, and images that
        cannot be read, are skipped, named in a warning and listed in `skipped`.

        Args:
            paths: path of a file, of a folder of files, or a list of such paths.
            image_size: pair `(height, width)` in pixels, to which images are resized.
            image_key: optional string, the feature or the suffix of the image. By
                default the first of `"image"` and `"image/encoded"` that is there; in
                an archive the usual suffixes.
            label_key: optional string, the feature or the suffix of the label. By
                default the first of `"label"`, `"image/class/text"` and
                `"image/class/label"`; in an archive `"cls"`, `"label"`, `"txt"` or
                `"json"`.
            name: optional string; the name of the first file by default.
            **kwargs: as in `from_csv`.

        Raises:
            FileNotFoundError: if a path does not exist.
            ValueError: if a file is of another kind or damaged, or no record has an
                image and a label.
        """
        records = find_records(paths, image_key, label_key)
        images = _image_arguments(image_size, **kwargs)
        items, kept, skipped = read_records(records, *images)
        skipped = records.skipped + skipped
        warn_of_skipped(skipped, len(kept) + len(skipped), "records", stacklevel=3)
        labels = [records.labels[i] for i in kept]
        index, class_names = label_index(labels, length=len(labels))
        rows = [np.flatnonzero(index == label) for label in range(len(class_names))]
        name = name or pathlib.Path(records.files[0]).name
        return cls(items, rows, class_names, name, skipped)

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset,
        class_names: Sequence[str] | None = None,
        name: str = "dataset",
    ) -> Self:
        """Reads any finite `tf.data.Dataset` of `(item, label)` into memory.

        Args:
            dataset: elements `(item, label)`, `(item, label, weight)` or dictionaries
                with the names of `datasets.columns`, single or in batches, labels as in
                `from_arrays`. Weights are not used. Float images from 0 to 255, as of
                `keras.utils.image_dataset_from_directory`, are stored as uint8.
            class_names: optional list of names that the integer labels index;
                `dataset.class_names` by default, if it exists.
            name: string, the name of the data set in reports.

        Raises:
            ValueError: if elements have no label, the dataset is empty or infinite, or
                items differ in shape.
        """
        class_names = class_names or getattr(dataset, "class_names", None)
        values, labels = read_labeled(dataset)
        return cls.from_arrays(values, labels, class_names, name)

    @classmethod
    @renamed_parameters(size="image_size")
    def from_tfds(
        cls,
        name: str,
        split: str = "train",
        image_size: tuple[int, int] | None = None,
        channels: int | None = None,
        **kwargs,
    ) -> Self:
        """Reads a classification set of TensorFlow Datasets into memory.

        Items are images, or texts in a set without images.

        Args:
            name: string, such as `"omniglot"`, `"cifar100"` or `"ag_news_subset"`.
            split: string, one of the set's own splits, or several: `"train+test"`.
            image_size: optional pair `(height, width)` in pixels. By default that of
                the set, whose images must then have one size.
            channels: optional, 1 or 3; those of the set by default.
            **kwargs: `data_dir` (the folder of prepared sets), `invert`,
                `image_key="image"`, `text_key` (by default the first of
                `datasets.columns.TEXT_NAMES` that the set has), `label_key="label"` and
                `download=True` (whether to download a set that is not prepared).

        Raises:
            FileNotFoundError: if the set is not prepared and was not downloaded.
            ValueError: if there is no such set, or it has no images or texts, or no
                labels.
        """
        from fsl_keras.datasets.tfds import read_tfds

        arrays = read_tfds(name, split, image_size, channels, **kwargs)
        return cls.from_arrays(*arrays, name)

    @classmethod
    def _of_table(cls, table, name, image_size, **kwargs):
        if image_size is None:
            if kwargs:
                raise ValueError(
                    f"{sorted(kwargs)} are arguments of tables of images, which need "
                    f"`image_size=(height, width)`."
                )
            total = len(table.items) + len(table.skipped)
            warn_of_skipped(table.skipped, total, "rows", stacklevel=4)
            data = cls.from_arrays(table.items, table.labels, name=name)
            data.skipped = table.skipped
            return data
        labels, class_names = label_index(table.labels, length=len(table.items))
        images = _image_arguments(image_size, **kwargs)
        return cls._of_files(list(table.items), labels, class_names, name, images, 5)

    @classmethod
    def _of_files(cls, paths, labels, class_names, name, images, stacklevel):
        """Makes a data set of image files and their class numbers.

        Args:
            images: tuple of the further arguments of `read_items`.
            stacklevel: integer, as in `warnings.warn`, for the warnings.
        """
        items, kept, skipped = read_items(paths, *images)
        warn_of_skipped(skipped, len(paths), stacklevel=stacklevel)
        if images[-1]:
            warn_of_animations([paths[i] for i in kept], stacklevel=stacklevel)
        labels = labels[kept]
        rows = [np.flatnonzero(labels == label) for label in range(len(class_names))]
        return cls(items, rows, class_names, name, skipped)


def _image_arguments(
    image_size, channels=3, invert=False, memory_limit=MEMORY_LIMIT, check_files=True
):
    """Returns the arguments of `read_items` after the paths."""
    return image_size, channels, invert, memory_limit, check_files
