"""Classes without labels: groups of items that a backbone embeds alike."""

import functools

import numpy as np
import tensorflow as tf

from fsl_keras.datasets import ClassDataset
from fsl_keras.typing import Model

# Items that are embedded at once.
BATCH = 512


def pseudo_classes(
    data: ClassDataset,
    backbone: Model,
    clusters: int | None = None,
    min_size: int = 4,
    seed: int = 0,
) -> ClassDataset:
    """Groups unlabeled items into classes, by k-means of their embeddings.

    A backbone that was trained without labels, such as by `SimCLR`, embeds many items
    of one class close to each other. Episodes of the clusters show it what a view of a
    single item cannot: how items of one class differ. Clusters become purer as the
    backbone improves, so it pays to group the items again after some hundred steps
    (DeepCluster). Every learner trains on the clusters as on any classes (CACTUs).

    References:

    - [Hsu et al., 2019](https://arxiv.org/abs/1810.02334) (CACTUs)
    - [Caron et al., 2018](https://arxiv.org/abs/1807.05520) (DeepCluster)

    Args:
        data: `ClassDataset`, whose classes are ignored.
        backbone: Keras model from items `[B, *item]` to vectors `[B, D]`.
        clusters: optional integer, the number of clusters. It may be some times that
            of the classes: a class in several clusters does less harm than several
            classes in one. Defaults to a tenth of the number of items.
        min_size: integer, the fewest items of a class. Smaller clusters are left out.
            Defaults to `4`.
        seed: integer, draws the first centers. Defaults to `0`.

    Returns:
        A `ClassDataset` that shares the items of `data`.

    Raises:
        ImportError: If scikit-learn is not installed.
        ValueError: If an argument is out of range, fewer than two clusters have
            `min_size` items, or all embeddings are alike.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> items = np.repeat([[0.0, 1], [1, 0], [-1, -1]], 10, axis=0)
    >>> unlabeled = fsl.ClassDataset.from_arrays(items, np.zeros(30, int))
    >>> backbone = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> pseudo_classes(unlabeled, backbone, clusters=3)
    <ClassDataset arrays, 3 clusters: 3 classes of 10 items, 30 in all, shape (2,)>
    """
    count = int(data.class_sizes.sum())
    if clusters is None:
        clusters = max(2, count // 10)
    if not 2 <= clusters <= count:
        raise ValueError(
            f"`clusters` must be from 2 to the number of items, {count}. Received: "
            f"clusters={clusters}"
        )
    if min_size < 1:
        raise ValueError(
            f"`min_size` must be at least 1. Received: min_size={min_size}"
        )
    vectors = _embeddings(data, backbone)
    if np.ptp(vectors, axis=0).max() < 1e-6:
        raise ValueError(
            "All embeddings are alike: the backbone has collapsed, and there is "
            "nothing to group. Train it first, such as by `pretraining.SimCLR`."
        )
    labels = _k_means(vectors, clusters, seed)
    rows = np.concatenate(data.class_rows)
    # One sort instead of a search for every cluster.
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=clusters))[:-1]
    groups = [g for g in np.split(rows[order], ends) if len(g) >= min_size]
    if len(groups) < 2:
        raise ValueError(
            f"Fewer than two of the {clusters} clusters have `min_size` = {min_size} "
            f"items of the {count}: ask for fewer clusters, or a smaller `min_size`."
        )
    names = [f"cluster {number}" for number in range(len(groups))]
    return ClassDataset(
        data.items, groups, names, f"{data.name}, {clusters} clusters", data.skipped
    )


def _embeddings(data, backbone):
    """Returns the embeddings of all items, at unit length, float32 `[B, D]`."""
    count = int(data.class_sizes.sum())
    embed = backbone.predict_on_batch
    if tf.distribute.has_strategy():
        # It would embed the whole batch on each device, and return all of them.
        embed = functools.partial(backbone, training=False)
    parts = [
        np.asarray(
            embed(data.fetch(np.arange(start, min(start + BATCH, count)))), "float32"
        )
        for start in range(0, count, BATCH)
    ]
    vectors = np.concatenate(parts)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def _k_means(vectors, clusters, seed):
    """Returns the cluster of each vector, int `[B]`."""
    try:
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ImportError(
            "Pseudo-classes need scikit-learn, which is not installed: pip install "
            '"fsl-keras[clusters]"'
        ) from error
    # Few iterations: clusters are made anew when the backbone has improved.
    model = KMeans(clusters, n_init=1, max_iter=30, random_state=seed)
    # Its many small products are no faster on several threads, which on a busy machine
    # wait for each other.
    with threadpool_limits(1):
        return model.fit_predict(vectors)
