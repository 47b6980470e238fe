"""Episodes without labels: each item is a class of its own."""

from typing import Any

from fsl_keras.datasets import ClassDataset
from fsl_keras.typing import Dataset


def instance_episodes(
    data: ClassDataset,
    ways: int,
    shots: int = 1,
    queries: int = 3,
    augmentation: Any = None,
    **kwargs: Any,
) -> Dataset:
    """Streams episodes without labels, in which each item is a class of its own.

    The support and query examples of a class are one item, each augmented at random. So
    every learner can be trained on unlabeled items: ProtoCLR is a
    `PrototypicalNetwork`, UMTRA is `MAML` on such episodes.

    References:

    - [Medina et al., 2020](https://arxiv.org/abs/2006.11325) (ProtoCLR)
    - [Khodadadeh et al., 2019](https://arxiv.org/abs/1811.11819) (UMTRA)

    Args:
        data: `ClassDataset`, whose classes are ignored.
        ways: integer, the items of an episode.
        shots: integer, the support views of an item. Defaults to `1`.
        queries: integer, the query views of an item. Defaults to `3`.
        augmentation: layer of `layers.augmentation`, or a function from images and a
            seed to images.
        **kwargs: further arguments of `ClassDataset.episodes`.

    Returns:
        A `tf.data.Dataset` of episode batches.

    Raises:
        ValueError: If there are fewer items than `ways`, or there is no augmentation.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> images = np.random.default_rng(0).random((64, 28, 28, 1))
    >>> unlabeled = fsl.ClassDataset.from_arrays(images, np.zeros(64, int))
    >>> episodes = instance_episodes(
    ...     unlabeled, ways=20, augmentation=fsl.layers.augmentation.RandomAffine())
    >>> x, y = next(iter(episodes))
    >>> x["support"].shape, x["query"].shape
    (TensorShape([1, 20, 28, 28, 1]), TensorShape([1, 60, 28, 28, 1]))
    """
    if augmentation is None:
        raise ValueError(
            "`instance_episodes` needs an augmentation: without one, support and query "
            "examples of a class are the same item. Pass a layer, such as "
            "`fsl_keras.layers.augmentation.RandomAffine()`."
        )
    rows = [row for rows in data.class_rows for row in rows]
    views = [[row] * (shots + queries) for row in rows]
    names = [f"item {row}" for row in rows]
    instances = ClassDataset(
        data.items, views, names, f"{data.name}, each item a class"
    )
    return instances.episodes(ways, shots, queries, augmentation=augmentation, **kwargs)
