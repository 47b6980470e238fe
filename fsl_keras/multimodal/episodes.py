"""Episodes whose items are pairs."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from fsl_keras.datasets import ClassDataset
from fsl_keras.episodes.pipeline import stream
from fsl_keras.typing import Dataset


def paired_episodes(
    datasets: Sequence[ClassDataset], *args: Any, **kwargs: Any
) -> Dataset:
    """Streams episodes of items of two kinds, such as pictures and their names.

    Args:
        datasets: pair of `ClassDataset` of the same classes. The items of a class are
            in the same order in both: the first picture belongs to the first name.
        *args: arguments of `ClassDataset.episodes`.
        **kwargs: further ones, except `augmentation`.

    Returns:
        A `tf.data.Dataset` of the batches of `ClassDataset.episodes`, in which
        `"support"` and `"query"` are pairs.

    Raises:
        ValueError: if the data sets differ in their classes or in the numbers of items.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> labels = np.repeat([0, 1, 2], 4)
    >>> pictures = np.arange(12, dtype="float32")[:, None]
    >>> names = [f"item {i}" for i in range(12)]
    >>> both = [fsl.ClassDataset.from_arrays(x, labels) for x in (pictures, names)]
    >>> stream = paired_episodes(
    ...     both, ways=2, shots=1, queries=1, count=1)
    >>> x, y = next(iter(stream))
    >>> picture, name = (part[0, 0].numpy() for part in x["query"])
    >>> name.decode() == f"item {int(picture[0])}"
    True
    """
    first, second = datasets
    if first.class_names != second.class_names:
        differing = sorted(set(first.class_names) ^ set(second.class_names))
        raise ValueError(
            f"The two data sets must have the same classes in the same order. In one "
            f"alone: {differing[:5]}"
        )
    for name, *sizes in zip(
        first.class_names, first.class_sizes, second.class_sizes, strict=True
    ):
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"The two data sets must have the same items, one for one. Of the "
                f"class {name!r} the first has {sizes[0]} items, and the second "
                f"{sizes[1]}."
            )
    # An episode is drawn by seed, index and the sizes of classes, so both are alike.
    parts = [data.episodes(*args, **kwargs) for data in datasets]

    def joined(one, other):
        items = {name: (one[0][name], other[0][name]) for name in ("support", "query")}
        return {**one[0], **items}, *one[1:]

    dataset = stream(tf.data.Dataset.zip(*parts).map(joined))
    name = f"{first.name} and {second.name}"
    dataset.protocol = {**parts[0].protocol, "dataset": name}
    return dataset
