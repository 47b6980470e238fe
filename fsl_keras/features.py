"""Features of a frozen backbone: computed once, kept on disk, drawn as episodes."""

import hashlib
import json
import re

import numpy as np

from fsl_keras import images, inputs
from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.files import cache_folder, keep, read_kept
from fsl_keras.progress import Progress


def embed(data, backbone, batch_size=None, cache=True, verbose=0):
    """Computes the features of all items of a data set, each item once and for all.

    What comes back is a data set like any other, of vectors or, where the backbone
    keeps places apart, of feature maps: thousands of episodes run on it in the time of
    a few on pictures. Features are kept in the cache folder (`FSL_KERAS_HOME`), a file
    for each backbone, under a digest of the item itself: a picture is not computed
    again in another folder, class or augmented copy, and a backbone with other weights
    or another preprocessing has a file of its own.

    Args:
        data: `ClassDataset` of the items that the backbone takes.
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]` or maps
            `[*, h, w, D]`; it is used in inference mode.
        batch_size: optional integer, how many items go through the backbone at a time;
            by default 8 photographs or 64 small pictures.
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
            f"The backbone takes items of shape {expected}, and those of {data.name} "
            f"are {data.item_shape}. Make the data set with "
            f"`image_size={expected[:2]}`, or the backbone with "
            f"`input_shape={data.item_shape}`."
        )
    path = cache_folder() / f"features-{_key(backbone)}.npz"
    known = (read_kept(path, _read, "The features") if cache else None) or {}
    before = len(known)
    batch_size = batch_size or inputs.batch_size(data.item_shape)
    rows, found = np.concatenate(data.class_rows), []
    with Progress(len(rows), "images", verbose) as progress:
        for start in range(0, len(rows), batch_size):
            items = data.items.take(rows[start : start + batch_size])
            digests = [_digest(item) for item in items]
            new = [i for i, digest in enumerate(digests) if digest not in known]
            if new:
                batch = items[new]
                if batch.dtype == np.uint8:
                    batch = images.to_unit_range(batch).numpy()
                vectors = np.asarray(backbone.predict_on_batch(batch), "float32")
                known.update(zip((digests[i] for i in new), vectors, strict=True))
            found.extend(known[digest] for digest in digests)
            progress.update(start + len(items))
    if cache and len(known) > before:
        arrays = {"digests": list(known), "features": np.stack(list(known.values()))}
        keep(path, lambda beside: np.savez(beside, **arrays), "The features")
        del arrays
    values = np.stack(found)
    # Feature maps of a large set are several gigabytes: no copy is held longer.
    del known, found
    # Not by `from_arrays`, to which a feature map would be a picture out of range.
    places = np.split(np.arange(len(values)), np.cumsum(data.class_sizes)[:-1])
    return ClassDataset(MemoryItems(values), places, data.class_names, data.name)


def _read(file):
    """Returns a dictionary from digest to feature."""
    with np.load(file) as stored:
        return dict(zip(stored["digests"].tolist(), stored["features"], strict=True))


def _key(backbone):
    """Returns a string that changes with a backbone's weights and its layers."""
    config = json.dumps(backbone.get_config(), sort_keys=True, default=str)
    # Keras numbers the layers of a process: a second copy has other names.
    digest = hashlib.sha256(re.sub(r'_\d+"', '"', config).encode())
    for value in backbone.get_weights():
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:24]


def _digest(item):
    described = f"{item.shape}{item.dtype}".encode()
    return hashlib.blake2b(described + item.tobytes(), digest_size=16).hexdigest()
