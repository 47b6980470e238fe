"""Items grouped by class, and the streams that learners train on."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.class_sources import ClassSources
from fsl_keras.datasets.class_streams import ClassStreams
from fsl_keras.datasets.division import FRACTIONS, divided
from fsl_keras.datasets.items import Items
from fsl_keras.typing import Tensor


class ClassDataset(ClassSources, ClassStreams):
    """Items grouped by class, from which episodes, batches and pairs are drawn.

    Items are images, texts or vectors. Make a data set with `from_arrays`,
    `from_directory`, `from_csv`, `from_dataframe`, `from_records`, `from_dataset`,
    `from_tfds` or `fsl_keras.datasets.load`.

    Args:
        items: `datasets.items.Items`, such as `MemoryItems`, which hold the items.
        class_rows: list of integer arrays, the rows of each class in `items`.
        class_names: list of strings, one for each class, all different.
        name: string, the name of the data set in reports.
        skipped: list of pairs `(path, reason)` of files that could not be read, or
            `(place, reason)` of rows of a table.

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
        items: Items,
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

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item, as a backbone takes it."""
        return self.items.item_shape

    @property
    def item_dtype(self) -> str:
        """The dtype of the items of episodes: `"float32"`, or `"string"` of texts."""
        return self.items.item_dtype

    @property
    def class_sizes(self) -> np.ndarray:
        """The number of items of each class, an int64 array."""
        return np.asarray([len(rows) for rows in self.class_rows])

    def __len__(self) -> int:
        return len(self.class_rows)

    def __repr__(self) -> str:
        return f"<ClassDataset {self.summary()}>"

    def summary(self) -> str:
        """Returns a line with the numbers of classes and items, and what they are."""
        sizes = self.class_sizes
        least, most = sizes.min(), sizes.max()
        each = f"{least}" if least == most else f"{least} to {most}"
        are_texts = self.item_dtype == "string"
        return (
            f"{self.name}: {len(self)} classes of {each} "
            f"{'texts' if are_texts else 'items'}, {sizes.sum()} in all"
            f"{'' if are_texts else f', shape {self.item_shape}'}"
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
