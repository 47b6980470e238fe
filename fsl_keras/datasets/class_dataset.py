"""Items grouped by class, and the streams that learners train on."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.compat import renamed_parameters
from fsl_keras.datasets.class_streams import ClassStreams
from fsl_keras.datasets.division import FRACTIONS, divided
from fsl_keras.datasets.folders import (
    files_by_class,
    warn_of_animations,
    warn_of_skipped,
)
from fsl_keras.datasets.items import FileItems, MemoryItems, read_items, stored_items
from fsl_keras.datasets.labels import label_index
from fsl_keras.datasets.tf_elements import read_labeled
from fsl_keras.typing import Dataset, Path, Tensor

# Images of a folder stay in memory up to this many bytes.
MEMORY_LIMIT = 2**30


class ClassDataset(ClassStreams):
    """Items grouped by class, from which episodes, batches and pairs are drawn.

    Make one with `from_arrays`, `from_directory`, `from_dataset`, `from_tfds` or
    `fsl_keras.datasets.load`.

    Args:
        items: `datasets.items.MemoryItems` or `FileItems`, which hold the items.
        class_rows: list of integer arrays, the rows of each class in `items`.
        class_names: list of strings, one for each class, all different.
        name: string, the name of the data set in reports.
        skipped: list of pairs `(path, reason)` of files that could not be read.

    Raises:
        ValueError: if there is no class, one has no items, or names are repeated.

    Example:

    >>> import numpy as np
    >>> images = np.zeros((60, 28, 28, 1), "uint8")
    >>> data = ClassDataset.from_arrays(images, np.repeat([0, 1, 2], 20))
    >>> x, y = next(iter(data.episodes(ways=3, shots=1, queries=5)))
    >>> x["query"].shape
    TensorShape([1, 15, 28, 28, 1])
    """

    def __init__(
        self,
        items: MemoryItems | FileItems,
        class_rows: Sequence,
        class_names: Sequence[str],
        name: str = "data",
        skipped: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.items = items
        self.class_rows = [np.asarray(rows, "int32") for rows in class_rows]
        self.class_names = [str(name) for name in class_names]
        self.name = name
        self.skipped = list(skipped)
        if len(set(self.class_names)) != len(self.class_rows):
            raise ValueError(
                f"`class_names` must be different names, one for each of the "
                f"{len(self.class_rows)} classes. Received {len(self.class_names)} "
                f"names, {len(set(self.class_names))} different."
            )
        empty = [
            name
            for name, rows in zip(self.class_names, self.class_rows, strict=True)
            if not len(rows)
        ]
        if empty or not self.class_rows:
            raise ValueError(
                f"Every class needs at least one item, and there must be a class. "
                f"Classes without items: {empty}."
            )
        self._rows = tf.constant(np.concatenate(self.class_rows))

    @classmethod
    def from_arrays(
        cls,
        images: Tensor,
        labels: Sequence | Tensor,
        class_names: Sequence[str] | None = None,
        name: str = "arrays",
        value_range: tuple[float, float] | None = None,
    ) -> "ClassDataset":
        """Groups the items of an array by their labels.

        Args:
            images: array of uint8 images `[n, H, W, C]` or `[n, H, W]`, of float
                images in [0, 1], of vectors `[n, d]`, or of strings `[n]`.
            labels: `n` integers from 0, names, or one-hot rows; see `label_index`.
            class_names: optional list of names; integer labels index it.
            name: string, the name of the data set in reports.
            value_range: optional pair, the values of images that become 0 and 1;
                `(0, 255)` for floats up to 255.

        Raises:
            ValueError: if labels are floats, negative or of another number than the
                images, or images hold NaN or values out of range.
        """
        values = stored_items(np.asarray(images), value_range)
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
    ) -> "ClassDataset":
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

        Raises:
            FileNotFoundError: if the folder is not there.
            ValueError: if it has no class folders or a class has no readable image.
        """
        files = files_by_class(folder)
        class_names = list(files)
        paths = [path for name in class_names for path in files[name]]
        labels = np.repeat(np.arange(len(files)), [len(files[n]) for n in class_names])
        items, kept, skipped = read_items(
            paths, image_size, channels, invert, memory_limit
        )
        labels = labels[kept]
        # One level more than by default, for the decorator.
        warn_of_skipped(skipped, len(paths), stacklevel=4)
        warn_of_animations([paths[i] for i in kept], stacklevel=4)
        rows = [np.flatnonzero(labels == label) for label in range(len(class_names))]
        return cls(items, rows, class_names, name or pathlib.Path(folder).name, skipped)

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset,
        class_names: Sequence[str] | None = None,
        name: str = "dataset",
    ) -> "ClassDataset":
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
    ) -> "ClassDataset":
        """Reads an image classification set of TensorFlow Datasets into memory.

        Args:
            name: string, such as `"omniglot"` or `"cifar100"`.
            split: string, one of the set's own splits, or several: `"train+test"`.
            image_size: optional pair `(height, width)` in pixels. By default that of
                the set, whose images must then have one size.
            channels: optional, 1 or 3; those of the set by default.
            **kwargs: `data_dir` (the folder of prepared sets), `invert`,
                `image_key="image"`, `label_key="label"` and `download=True` (whether
                to download a set that is not prepared).

        Raises:
            FileNotFoundError: if the set is not prepared and was not downloaded.
            ValueError: if there is no such set, or it has no images or no labels.
        """
        from fsl_keras.datasets.tfds import read_tfds

        arrays = read_tfds(name, split, image_size, channels, **kwargs)
        return cls.from_arrays(*arrays, name)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item, as a backbone takes it."""
        return self.items.item_shape

    @property
    def class_sizes(self) -> np.ndarray:
        """The number of items of each class, an int64 array."""
        return np.asarray([len(rows) for rows in self.class_rows])

    def __len__(self) -> int:
        return len(self.class_rows)

    def __repr__(self) -> str:
        return f"<ClassDataset {self.summary()}>"

    def summary(self) -> str:
        """Returns a line with the numbers of classes and items, and their shape."""
        sizes = self.class_sizes
        least, most = sizes.min(), sizes.max()
        each = f"{least}" if least == most else f"{least} to {most}"
        return (
            f"{self.name}: {len(self)} classes of {each} items, {sizes.sum()} in all, "
            f"shape {self.item_shape}"
        )

    def class_items(self, class_name: str) -> np.ndarray:
        """Returns the raw items of one class, as an array."""
        return self.items.take(self._rows_of(class_name))

    def class_files(self, class_name: str) -> list[str]:
        """Returns the files of one class, in the order of `class_items`.

        Raises:
            ValueError: if there is no such class, or the data set does not come from
                files.
        """
        if self.items.paths is None:
            raise ValueError(f"The data set {self.name} does not come from files.")
        return self.items.paths[self._rows_of(class_name)].tolist()

    def subset(
        self, classes: Iterable[str | int], name: str | None = None
    ) -> "ClassDataset":
        """Returns a data set of some of the classes, which shares the items.

        Args:
            classes: list of class names or of class numbers.
            name: optional string; the name of the whole data set by default.

        Raises:
            ValueError: if there is no such class.
        """
        numbers = {name: number for number, name in enumerate(self.class_names)}
        classes = list(classes)
        unknown = [c for c in classes if c not in numbers and c not in range(len(self))]
        if unknown:
            raise ValueError(
                f"There are no classes {unknown} in {self.name}. Pass names, such as "
                f"{self.class_names[0]!r}, or numbers from 0 to {len(self) - 1}."
            )
        chosen = [numbers[c] if isinstance(c, str) else int(c) for c in classes]
        return ClassDataset(
            self.items,
            [self.class_rows[number] for number in chosen],
            [self.class_names[number] for number in chosen],
            name or self.name,
        )

    def split_classes(
        self, fractions: Sequence[float] = FRACTIONS, seed: int = 0
    ) -> "tuple[ClassDataset, ...]":
        """Divides the classes at random into data sets without a class in common.

        Args:
            fractions: floats that add up to 1, the fraction of classes of each part.
            seed: integer.

        Returns:
            A tuple of `ClassDataset`, each with at least one class.

        Raises:
            ValueError: if `fractions` do not add up to 1, or there are more of them
                than classes.
        """
        return tuple(map(self.subset, divided(len(self), fractions, seed)))

    def _rows_of(self, class_name):
        if class_name not in self.class_names:
            raise ValueError(
                f"There is no class {class_name!r} in {self.name}. Classes: "
                f"{self.class_names[:5]}..."
            )
        return self.class_rows[self.class_names.index(class_name)]

    def fetch(self, ids: Tensor) -> Tensor:
        return self.items.fetch(tf.gather(self._rows, ids))
