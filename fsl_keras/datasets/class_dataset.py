"""Items grouped by class, and the streams that learners train on."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from fsl_keras.datasets import streams
from fsl_keras.datasets.folders import (
    picture_files,
    warn_of_animations,
    warn_of_skipped,
)
from fsl_keras.datasets.items import FileItems, MemoryItems
from fsl_keras.datasets.labels import label_index
from fsl_keras.datasets.tf_elements import tf_elements
from fsl_keras.episodes import (
    EpisodeSampler,
    episode_dataset,
)
from fsl_keras.images import read, to_unit_range

# Pictures of a folder stay in memory up to this many bytes.
MEMORY_LIMIT = 2**30


class ClassDataset:
    """Items grouped by class, from which episodes, batches and pairs are drawn.

    Make one with `from_arrays`, `from_directory`, `from_dataset`, `from_tfds` or
    `fsl_keras.datasets.load`.

    Args:
        items: where the items lie, with `fetch(rows)`, `take(rows)`, `item_shape`.
        class_rows: list of integer arrays, the rows of each class in `items`.
        class_names: list of strings, one for each class, all different.
        name: string, what the data set is called in reports.
        skipped: list of pairs `(path, reason)` of files that could not be read.

    Example:

    >>> import numpy as np
    >>> pictures = np.zeros((60, 28, 28, 1), "uint8")
    >>> data = ClassDataset.from_arrays(pictures, np.repeat([0, 1, 2], 20))
    >>> x, y = next(iter(data.episodes(ways=3, shots=1, queries=5)))
    >>> x["query"].shape
    TensorShape([1, 15, 28, 28, 1])
    """

    def __init__(self, items, class_rows, class_names, name="data", skipped=()):
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
        cls, images, labels, class_names=None, name="arrays", value_range=None
    ):
        """Groups the items of an array by their labels.

        Args:
            images: array of uint8 pictures `[n, H, W, C]` or `[n, H, W]`, of float
                pictures in [0, 1], of vectors `[n, d]`, or of strings `[n]`.
            labels: `n` integers from 0, names, or one-hot rows; see `label_index`.
            class_names: optional list of names; integer labels index it.
            name: string, what the data set is called in reports.
            value_range: optional pair, the values of pictures that become 0 and 1;
                `(0, 255)` for floats up to 255.

        Raises:
            ValueError: if labels are floats, negative or not as many as the images,
                or images hold NaN or values out of range.
        """
        values = _check_items(np.asarray(images), value_range)
        index, class_names = label_index(labels, class_names, len(values))
        rows = [np.flatnonzero(index == label) for label in range(len(class_names))]
        return cls(MemoryItems(values), rows, class_names, name)

    @classmethod
    def from_directory(
        cls,
        folder,
        size,
        channels=3,
        invert=False,
        memory_limit=MEMORY_LIMIT,
        name=None,
    ):
        """Reads a folder that holds a folder of images for each class.

        Which files and folders are taken is in `datasets.folders.picture_files`.

        Files are decoded in parallel. Those that cannot be read are left out, named
        in a warning and listed in `skipped`. Of animated GIFs the first frame is taken;
        a warning names them too.

        Args:
            folder: path.
            size: pair `(height, width)` in pixels, to which pictures are resized.
            channels: 1 for grey or 3 for colour.
            invert: bool, True for dark ink on white paper: ink becomes 1.
            memory_limit: bytes up to which the resized pictures are kept in memory.
                A larger set is decoded from its files as episodes are drawn.
            name: optional string; the folder's name by default.

        Raises:
            FileNotFoundError: if the folder is not there.
            ValueError: if it has no class folders or a class has no picture that can
                be read.
        """
        files = picture_files(folder)
        class_names = list(files)
        paths = [path for name in class_names for path in files[name]]
        labels = np.repeat(np.arange(len(files)), [len(files[n]) for n in class_names])
        in_memory = len(paths) * size[0] * size[1] * channels <= memory_limit
        if in_memory:
            values, kept, skipped = read(paths, size, channels, invert)
            items = MemoryItems(values, [str(paths[i]) for i in kept])
        else:
            # One pixel each: this only tells which files can be decoded.
            _, kept, skipped = read(paths, (1, 1), 1)
            items = FileItems([paths[i] for i in kept], size, channels, invert)
        labels = labels[kept]
        warn_of_skipped(skipped, len(paths))
        warn_of_animations([paths[i] for i in kept])
        rows = [np.flatnonzero(labels == label) for label in range(len(class_names))]
        return cls(items, rows, class_names, name or pathlib.Path(folder).name, skipped)

    @classmethod
    def from_dataset(cls, dataset, class_names=None, name="dataset"):
        """Reads any finite `tf.data.Dataset` of `(item, label)` into memory.

        Args:
            dataset: elements `(item, label)`, `(item, label, weight)` or dictionaries
                with the names of `datasets.columns`, single or in batches, labels as in
                `from_arrays`. Weights are not used. Float images from 0 to 255, as of
                `keras.utils.image_dataset_from_directory`, are stored as uint8.
            class_names: optional list of names that the integer labels index;
                `dataset.class_names` by default, where it is there.
            name: string.

        Raises:
            ValueError: if elements have no label, there are none or no end, or items
                differ in shape.
        """
        class_names = class_names or getattr(dataset, "class_names", None)
        pairs = list(tf_elements(dataset, labelled=True, images=None))
        if not pairs:
            raise ValueError("The dataset has no elements.")
        shapes = {np.shape(item) for item, _ in pairs}
        if len(shapes) > 1:
            raise ValueError(
                f"The items of the dataset differ in shape, such as "
                f"{sorted(shapes)[:2]}. Bring them to one, with `tf.image.resize` for "
                f"example."
            )
        values = np.stack([item for item, _ in pairs])
        is_float_picture = values.dtype.kind == "f" and values.ndim == 4
        if is_float_picture and 1 < values.max() <= 255 and values.min() >= 0:
            values = np.round(values).astype("uint8")
        return cls.from_arrays(values, [label for _, label in pairs], class_names, name)

    @classmethod
    def from_tfds(cls, name, split="train", size=None, channels=None, **kwargs):
        """Reads an image classification set of TensorFlow Datasets into memory.

        Args:
            name: string, such as `"omniglot"` or `"cifar100"`.
            split: string, one of the set's own splits, or several: `"train+test"`.
            size: optional pair `(height, width)` in pixels. By default the set's
                own size, which then must be the same for all its pictures.
            channels: optional, 1 or 3; the set's own by default.
            **kwargs: `data_dir` (where the prepared sets lie), `invert`,
                `image_key="image"`, `label_key="label"` and `download=True` (whether
                to fetch a set that is not there).

        Raises:
            FileNotFoundError: if the set is not prepared there and was not
                downloaded.
            ValueError: if there is no such set, or it has no pictures or no label.
        """
        from fsl_keras.datasets.tfds import read_tfds

        values, labels, class_names = read_tfds(name, split, size, channels, **kwargs)
        kept = np.unique(labels)
        class_names = [class_names[label] for label in kept]
        return cls.from_arrays(values, np.searchsorted(kept, labels), class_names, name)

    @property
    def item_shape(self):
        """The shape of one item, as a backbone takes it."""
        return self.items.item_shape

    @property
    def class_sizes(self):
        """The number of items of each class, an int64 array."""
        return np.asarray([len(rows) for rows in self.class_rows])

    def __len__(self):
        return len(self.class_rows)

    def __repr__(self):
        return f"<ClassDataset {self.summary()}>"

    def summary(self):
        """Returns one line that says what is there."""
        sizes = self.class_sizes
        least, most = sizes.min(), sizes.max()
        each = f"{least}" if least == most else f"{least} to {most}"
        return (
            f"{self.name}: {len(self)} classes of {each} items, {sizes.sum()} in all, "
            f"shape {self.item_shape}"
        )

    def class_items(self, class_name):
        """Returns the raw items of one class, as an array."""
        if class_name not in self.class_names:
            raise ValueError(
                f"There is no class {class_name!r}. Classes: {self.class_names[:5]}..."
            )
        rows = self.class_rows[self.class_names.index(class_name)]
        return self.items.take(rows)

    def class_files(self, class_name):
        """Returns the files of one class, in the order of `class_items`.

        Raises:
            ValueError: if the data set does not come from files.
        """
        if getattr(self.items, "paths", None) is None:
            raise ValueError(f"{self.name} does not come from files.")
        rows = self.class_rows[self.class_names.index(class_name)]
        return self.items.paths[rows].tolist()

    def subset(self, classes, name=None):
        """Returns the data set of some of the classes; the items are shared.

        Args:
            classes: list of class names or of class numbers.
            name: optional string.
        """
        numbers = {name: number for number, name in enumerate(self.class_names)}
        strange = [c for c in classes if c not in numbers and c not in range(len(self))]
        if strange:
            raise ValueError(
                f"There are no classes {strange} in {self.name}. Give names, such as "
                f"{self.class_names[0]!r}, or numbers from 0 to {len(self) - 1}."
            )
        chosen = [numbers[c] if isinstance(c, str) else int(c) for c in classes]
        return ClassDataset(
            self.items,
            [self.class_rows[number] for number in chosen],
            [self.class_names[number] for number in chosen],
            name or self.name,
        )

    def split_classes(self, fractions=(0.64, 0.16, 0.2), seed=0):
        """Divides the classes at random into data sets without a class in common.

        Args:
            fractions: floats that add up to 1, the share of classes of each part.
            seed: integer.

        Returns:
            A tuple of `ClassDataset`, each with at least one class.
        """
        fractions = np.asarray(fractions, "float64")
        if (fractions <= 0).any() or not np.isclose(fractions.sum(), 1.0):
            raise ValueError(
                f"`fractions` must be positive and add up to 1. Received: "
                f"fractions={fractions.tolist()}"
            )
        if len(fractions) > len(self):
            raise ValueError(
                f"{len(self)} classes cannot be divided into {len(fractions)} parts."
            )
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(self))
        ends = np.round(np.cumsum(fractions) * len(self)).astype(int)[:-1]
        # Small sets: every part keeps a class.
        least = np.arange(1, len(fractions))
        ends = np.clip(ends, least, len(self) - least[::-1])
        return tuple(self.subset(np.sort(part)) for part in np.split(order, ends))

    def episodes(
        self,
        ways,
        shots,
        queries,
        tasks=1,
        seed=0,
        start=0,
        count=None,
        shard=None,
        augmentation=None,
        groups=None,
    ):
        """Streams N-way K-shot episodes.

        Episode `i` is a pure function of `seed` and `i`, augmentation included: the
        same on any machine and with any parallelism.

        Args:
            ways: integer or pair `(low, high)`, classes of an episode.
            shots: integer, pair `(low, high)` or `episodes.MetaDatasetShots`,
                support examples of a class.
            queries: integer, queries of each class, `episodes.DirichletQueries` for
                classes of unequal frequency, or `episodes.MetaDatasetQueries`.
            tasks: integer, episodes in one batch.
            seed: integer.
            start: integer, index of the first episode.
            count: optional integer, the number of episodes, a multiple of `tasks`;
                without end by default.
            shard: optional pair `(k, n)`: every `n`-th episode from the `k`-th on.
            augmentation: optional layer of `layers.augmentation`, or a function from
                pictures and a seed to pictures.
            groups: optional list, the group of each class, such as its alphabet
                (`class_groups`): the classes of an episode are then of one group.

        Returns:
            A `tf.data.Dataset` of episode batches. Its `protocol` attribute says
            how they were drawn, for reports.

        Raises:
            ValueError: if there are too few classes, also in a group, or a class has
                too few items.
        """
        sampler = EpisodeSampler(
            self.class_sizes, ways, shots, queries, seed, self.class_names, groups
        )
        dataset = episode_dataset(
            self._fetch, sampler, tasks, start, count, shard, augmentation
        )
        within = "" if groups is None else f", within each of {len(set(groups))} groups"
        dataset.protocol = {
            "dataset": self.name + within,
            "ways": ways,
            "shots": repr(shots) if dataclasses.is_dataclass(shots) else shots,
            "queries": repr(queries) if dataclasses.is_dataclass(queries) else queries,
            "episodes": count,
            "seed": seed,
            "start": start,
            "shard": shard,
            "classes": self.class_names,
        }
        return dataset

    def batches(self, batch_size, seed=0, start=0, count=None, augmentation=None):
        """Streams shuffled batches `(items [B, *item], labels int32 [B])`.

        Every pass over the items is in a new order; batch `i` is a pure function of
        `seed` and `i`.

        Args:
            batch_size: integer.
            seed: integer.
            start: integer, index of the first batch.
            count: optional integer, the number of batches; without end by default.
            augmentation: optional, as in `episodes`.
        """
        return streams.batches(
            self._fetch, self.class_sizes, batch_size, seed, start, count, augmentation
        )

    def pairs(self, batch_size, seed=0, start=0, count=None, augmentation=None):
        """Streams pairs of items `((a, b), same)` for Siamese networks.

        Half of the pairs, on average, are two items of one class (`same` is 1.0),
        the others of two classes (0.0).

        Args:
            batch_size: integer, pairs in a batch.
            seed: integer.
            start: integer, index of the first batch.
            count: optional integer, the number of batches; without end by default.
            augmentation: optional, as in `episodes`.

        Returns:
            A `tf.data.Dataset` of `((a, b), same)`, `a` and `b` `[B, *item]` and
            `same` float32 `[B]`.
        """
        return streams.pairs(
            self._fetch,
            self.class_sizes,
            batch_size,
            seed,
            start,
            count,
            augmentation,
            self.class_names,
        )

    def _fetch(self, ids):
        """Fetches items by ids that count through the classes in their order."""
        return self.items.fetch(tf.gather(self._rows, ids))


def _check_items(values, value_range):
    """Returns items as they are stored: uint8, float32 or strings."""
    if values.dtype.kind in "USO":
        return values.astype(object)
    if values.dtype == np.uint8:
        return values[..., None] if values.ndim == 3 else values
    if values.ndim < 3 and values.dtype.kind in "iuf":
        if not np.isfinite(values).all():
            rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
            raise ValueError(f"Items {rows[:5].tolist()} hold NaN or infinite values.")
        return values.astype("float32")
    values = values[..., None] if values.ndim == 3 else values
    return to_unit_range(values, value_range).numpy()
