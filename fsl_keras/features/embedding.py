"""Features of a data set in memory, each computed once and kept in the cache."""

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
from fsl_keras.files.locks import locked
from fsl_keras.progress import Progress
from fsl_keras.typing import Dataset, Model

# The number of texts that are embedded at a time.
TEXTS = 256


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
    images or texts. Features are kept in the cache folder (`FSL_KERAS_HOME`), a file
    for each backbone, under a digest of the item itself: the features of an image are
    not computed again in another folder, class or augmented copy, and a backbone with
    other weights or another preprocessing has a file of its own. Texts of similar
    length are embedded together.

    Args:
        data: `ClassDataset` of the items that the backbone takes.
        backbone: built Keras model from items `[*, *item]`, images or texts, to vectors
            `[*, D]` or maps `[*, h, w, D]`; it is used in inference mode.
        batch_size: optional integer, how many items go through the backbone at a time;
            by default 8 photographs, 64 small images or 256 texts.
        cache: bool, whether features are looked up and kept on disk.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        A `ClassDataset` of float32 vectors or maps, with the same classes, names and
        order.

    Raises:
        ValueError: if the items are not of the shape and kind that the backbone takes.

    Example:

    >>> import keras
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> data = ClassDataset.from_arrays(np.eye(4, dtype="float32"), [0, 0, 1, 1])
    >>> embed(data, backbone, cache=False).summary()
    'arrays: 2 classes of 2 items, 4 in all, shape (3,)'
    """
    check_items(data, backbone)
    are_texts = data.item_dtype == "string"
    path = cache_folder() / f"features-{backbone_key(backbone)}.npz"
    written = _written(path)
    known = (read_kept(path, _read, "The features") if cache else None) or {}
    before = len(known)
    batch_size = batch_size or batch_size_of(data)
    rows = np.concatenate(data.class_rows)
    order = _by_length(data.items.take(rows)) if are_texts else np.arange(len(rows))
    found: list[Any] = [None] * len(rows)
    label = "sentences" if are_texts else "images"
    with Progress(len(rows), label, verbose) as progress:
        for start in range(0, len(rows), batch_size):
            some = order[start : start + batch_size]
            items = data.items.take(rows[some])
            digests = [text_or_item_digest(item) for item in items]
            new = {d: i for i, d in enumerate(digests) if d not in known}
            if new:
                vectors = embeddings(backbone, items[list(new.values())])
                known.update(zip(new, vectors, strict=True))
            for place, digest in zip(some, digests, strict=True):
                found[place] = known[digest]
            progress.update(start + len(items))
    if cache and len(known) > before:
        _keep(path, known, written)
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
        features.append(embeddings(backbone, items))
        numbers.extend(rest[:1])
    if not features:
        raise ValueError("`data` is empty: there are no items to embed.")
    return np.concatenate(features), np.concatenate(numbers) if numbers else None


def _written(path):
    """Returns when a file was written, or None."""
    return path.stat().st_mtime_ns if path.exists() else None


def _keep(path, known, written):
    """Adds new features to the file, which another process may have changed since."""
    with locked(path):
        if _written(path) != written:
            known = {**(read_kept(path, _read, "The features") or {}), **known}
        features = np.stack(list(known.values()))
        arrays = {"digests": list(known), "features": features}
        keep(path, lambda file: np.savez(file, **arrays), "The features")


def batch_size_of(data: ClassDataset) -> int:
    """Returns how many items go through a backbone at a time by default."""
    return TEXTS if data.item_dtype == "string" else inputs.batch_size(data.item_shape)


def check_items(data: ClassDataset, backbone: Model) -> None:
    """Raises an error if a backbone takes items of another shape or kind."""
    shape = tuple(backbone.input_shape[1:])
    takes_texts = backbone.inputs[0].dtype == "string"
    if takes_texts and data.item_dtype != "string":
        raise ValueError(
            f"The backbone takes texts, and the items of {data.name!r} have the shape "
            f"{data.item_shape}. Choose a backbone for items of this shape."
        )
    if data.item_dtype == "string" and not takes_texts:
        raise ValueError(
            f"The backbone takes items of shape {shape}, and the items of "
            f"{data.name!r} are texts. Choose a backbone for texts, such as "
            f"`backbones.SentenceEncoder`."
        )
    if data.item_shape != shape:
        raise ValueError(
            f"The backbone takes items of shape {shape}. Make the data set with "
            f"`image_size={shape[:2]}`, or the backbone with "
            f"`input_shape={data.item_shape}`. Received: data={data.name!r} with items "
            f"of shape {data.item_shape}"
        )


def _by_length(texts):
    """Returns the places of texts, those of the longest first."""
    return np.argsort([-len(text) for text in texts], kind="stable")


def text_or_item_digest(item: str | np.ndarray) -> int:
    """Returns the digest of a text, an image or a vector."""
    return item_digest(item.encode() if isinstance(item, str) else item)


def embeddings(backbone: Model, items: np.ndarray) -> np.ndarray:
    """Returns the float32 features of raw items."""
    if items.dtype == np.uint8:
        items = images.to_unit_range(items).numpy()
    if items.dtype == object:
        items = tf.constant(items.tolist(), "string")
    return np.asarray(backbone.predict_on_batch(items), "float32")


def _read(file):
    """Returns a dictionary from digest to feature."""
    with np.load(file) as stored:
        return dict(zip(stored["digests"].tolist(), stored["features"], strict=True))


def backbone_key(backbone: Model) -> str:
    """Returns a string that changes with a backbone's weights and its layers."""
    config = json.dumps(backbone.get_config(), sort_keys=True, default=str)
    # Keras numbers the layers of a process: a second copy has other names.
    config = re.sub(r'_\d+"', '"', config)
    digest = hashlib.sha256((config + weights_digest(backbone)).encode())
    return digest.hexdigest()[:24]
