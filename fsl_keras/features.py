"""Features of a frozen backbone: computed once, kept on disk, drawn as episodes."""

import hashlib
import json
import re
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras import images, inputs
from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.digests import item_digest, weights_digest
from fsl_keras.episodes.tuner import untuned
from fsl_keras.files import cache_folder, keep, read_kept
from fsl_keras.progress import Progress
from fsl_keras.typing import Dataset, Model


def embed(
    data: ClassDataset,
    backbone: Model,
    batch_size: int | None = None,
    cache: bool = True,
    verbose: int = 0,
) -> ClassDataset:
    """Computes the features of all items of a data set, each item only once.

    The result is a data set like any other, of vectors or, if the backbone is not
    pooled, of feature maps: thousands of episodes run on it in the time of a few on
    images. Features are kept in the cache folder (`FSL_KERAS_HOME`), a file for each
    backbone, under a digest of the item itself: the features of an image are not
    computed again in another folder, class or augmented copy, and a backbone with other
    weights or another preprocessing has a file of its own.

    Args:
        data: `ClassDataset` of the items that the backbone takes.
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]` or maps
            `[*, h, w, D]`; it is used in inference mode.
        batch_size: optional integer, how many items go through the backbone at a time;
            by default 8 photographs or 64 small images.
        cache: bool, whether features are looked up and kept on disk.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        A `ClassDataset` of float32 vectors or maps, with the same classes, names and
        order.

    Raises:
        ValueError: if the items are not of the shape that the backbone takes.

    Example:

    >>> import keras
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> data = ClassDataset.from_arrays(np.eye(4, dtype="float32"), [0, 0, 1, 1])
    >>> embed(data, backbone, cache=False).summary()
    'arrays: 2 classes of 2 items, 4 in all, shape (3,)'
    """
    expected = tuple(backbone.input_shape[1:])
    if data.item_shape != expected:
        raise ValueError(
            f"The backbone takes items of shape {expected}. Make the data set with "
            f"`image_size={expected[:2]}`, or the backbone with "
            f"`input_shape={data.item_shape}`. Received: data={data.name!r} with items "
            f"of shape {data.item_shape}"
        )
    path = cache_folder() / f"features-{_key(backbone)}.npz"
    known = (read_kept(path, _read, "The features") if cache else None) or {}
    before = len(known)
    batch_size = batch_size or inputs.batch_size(data.item_shape)
    rows = np.concatenate(data.class_rows)
    found: list[np.ndarray] = []
    noun = inputs.noun_of("text" if data.item_dtype == "string" else "image")
    with Progress(len(rows), f"{noun}s", verbose) as progress:
        for start in range(0, len(rows), batch_size):
            items = data.items.take(rows[start : start + batch_size])
            digests = [item_digest(item) for item in items]
            new = [i for i, digest in enumerate(digests) if digest not in known]
            if new:
                vectors = _embeddings(backbone, items[new])
                known.update(zip((digests[i] for i in new), vectors, strict=True))
            found.extend(known[digest] for digest in digests)
            progress.update(start + len(items))
    if cache and len(known) > before:
        features = np.stack(list(known.values()))
        arrays: dict[str, Any] = {"digests": list(known), "features": features}
        keep(path, lambda file: np.savez(file, **arrays), "The features")
        del arrays, features
    values = np.stack(found)
    # Feature maps of a large set are several gigabytes: no copy is held longer.
    del known, found
    # Not by `from_arrays`, which would take a feature map for an image out of range.
    places = np.split(np.arange(len(values)), np.cumsum(data.class_sizes)[:-1])
    return ClassDataset(MemoryItems(values), places, data.class_names, data.name)


def embed_with_labels(
    data: ClassDataset | Dataset, backbone: Model, cache: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Computes the features of all items of a data set or a stream, as arrays.

    Args:
        data: `ClassDataset`, or finite `tf.data.Dataset` of batches `(items, labels)`
            or `items`.
        backbone: as in `embed`.
        cache: bool, whether features of a `ClassDataset` are looked up and kept on
            disk.

    Returns:
        A pair: float32 features `[n, *feature]`, and the class number of each, or None
        for a stream without labels.

    Raises:
        ValueError: if the data is infinite or empty.

    Example:

    >>> import keras
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> data = ClassDataset.from_arrays(np.eye(4, dtype="float32"), [0, 0, 1, 1])
    >>> features, labels = embed_with_labels(data, backbone, cache=False)
    >>> features.shape, labels.tolist()
    ((4, 3), [0, 0, 1, 1])
    """
    if isinstance(data, ClassDataset):
        found = embed(data, backbone, cache=cache)
        labels = np.repeat(np.arange(len(found)), found.class_sizes)
        return found.items.take(np.concatenate(found.class_rows)), labels
    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`data` is infinite. Pass the `ClassDataset` itself, or limit the number "
            "of batches with `batches(..., count=100)`."
        )
    features: list[np.ndarray] = []
    numbers: list[np.ndarray] = []
    for batch in untuned(data).as_numpy_iterator():
        items, *rest = batch if isinstance(batch, tuple) else (batch,)
        features.append(_embeddings(backbone, items))
        numbers.extend(rest[:1])
    if not features:
        raise ValueError("`data` is empty: there are no items to embed.")
    return np.concatenate(features), np.concatenate(numbers) if numbers else None


def _embeddings(backbone, items):
    if items.dtype == np.uint8:
        items = images.to_unit_range(items).numpy()
    return np.asarray(backbone.predict_on_batch(items), "float32")


def _read(file):
    """Returns a dictionary from digest to feature."""
    with np.load(file) as stored:
        return dict(zip(stored["digests"].tolist(), stored["features"], strict=True))


def _key(backbone):
    """Returns a string that changes with a backbone's weights and its layers."""
    config = json.dumps(backbone.get_config(), sort_keys=True, default=str)
    # Keras numbers the layers of a process: a second copy has other names.
    config = re.sub(r'_\d+"', '"', config)
    digest = hashlib.sha256((config + weights_digest(backbone)).encode())
    return digest.hexdigest()[:24]
