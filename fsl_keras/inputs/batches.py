"""Preprocessed batches of images in any form."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from fsl_keras.datasets.folders import listed, warn_of_animations
from fsl_keras.images import is_image_name, read, to_unit_range
from fsl_keras.inputs.elements import is_path, plain, source_of
from fsl_keras.inputs.forms import Elements
from fsl_keras.inputs.kinds import noun_of
from fsl_keras.typing import Model

# The number of files read at a time, by threads that compete with a network.
READ = 64

# Arrays of more values are preprocessed one by one, which takes the same time and needs
# no copy of a batch.
LARGE = 2**16

# The number of texts embedded at a time. Text backbones divide them by length.
TEXTS = 1024


def batch_size(item_shape: tuple[int, ...]) -> int:
    """Returns the number of items to embed at a time, so that memory is bounded.

    Args:
        item_shape: shape of an item. Images have three axes, and texts none.

    Returns:
        An integer: for images 64 at most, such as 8 for 224 x 224 pixels; 1024 for
        texts.

    Example:

    >>> batch_size((224, 224, 3)), batch_size((28, 28, 1)), batch_size(())
    (8, 64, 1024)
    """
    if not item_shape:
        return TEXTS
    pixels = math.prod(item_shape[:2]) if len(item_shape) == 3 else 1
    return int(np.clip(8 * 224 * 224 // pixels, 1, 64))


def item_batches(
    elements: Elements,
    preprocessing: Model | None,
    size: int,
    skipped: list,
    sources: list | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields preprocessed batches of the elements that can be read.

    Files that cannot be read are skipped. At the end, a warning names the animated
    images.

    Args:
        elements: `Elements`.
        preprocessing: `ImagePreprocessing`, or None for items that are not images.
        size: integer, the maximum batch size.
        skipped: list, to which a pair `(name, reason)` is added for each skipped file.
        sources: optional list, to which the source of each element is added, see
            `source_of`.

    Yields:
        Pairs of items `[b, *item]` and integers `[b]`, the index of each among all
        elements.

    Raises:
        ValueError: if there are no elements, or one that is not a file is invalid.
    """
    start, kept = 0, []
    for chunk in _chunks(elements, size):
        if sources is not None:
            sources.extend(source_of(x, start + i) for i, x in enumerate(chunk))
        if preprocessing is None:
            items, rows = _finite(np.asarray(chunk), start), np.arange(len(chunk))
        elif isinstance(chunk, np.ndarray):
            items, rows = _of_arrays(chunk, preprocessing, start), np.arange(len(chunk))
        else:
            items, rows, paths, bad = _of_list(chunk, preprocessing, start)
            skipped.extend(bad)
            kept.extend(paths)
        for first in range(0, len(rows), size):
            yield items[first:][:size], start + rows[first:][:size]
        start += len(chunk)
    if not start:
        raise ValueError(f"There are no {noun_of(elements.item_kind)}s.")
    warn_of_animations(kept)


def check_all_read(skipped: Sequence) -> None:
    """Raises an error that names the skipped files, if there are any."""
    if skipped:
        reasons = listed([f"{name}: {reason}" for name, reason in skipped])
        files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
        hint = hint_of_texts(skipped) or "Remove or replace them."
        raise ValueError(f"Cannot read {files}: {reasons}. {hint}")


def hint_of_texts(skipped: Sequence) -> str:
    """Returns a sentence of help if the names of skipped files look like texts."""
    names = [str(name) for name, _ in skipped]
    if any(map(is_image_name, names)) or not any(" " in name for name in names):
        return ""
    return (
        "This learner takes images: paths of files, arrays and Pillow images. If these "
        "are texts, use a learner whose backbone takes texts."
    )


def _chunks(elements, size):
    """Yields arrays or lists of elements, few of those in memory and many files."""
    images = elements.images
    if hasattr(images, "shape"):
        for start in range(0, len(images), size):
            yield np.asarray(images[start : start + size])
        return
    chunk, in_memory = [], 0
    for image in images:
        chunk.append(image)
        in_memory += not is_path(image)
        if len(chunk) == READ or in_memory == size:
            yield chunk
            chunk, in_memory = [], 0
    if chunk:
        yield chunk


def _of_list(chunk, preprocessing, start):
    """Preprocesses a list of elements.

    Returns:
        A tuple: float32 items, the index in `chunk` of each, the paths among them, and
        a list of pairs of name and reason of the files that cannot be read.
    """
    layer = preprocessing
    images = [plain(image, start + i) for i, image in enumerate(chunk)]
    files = [i for i, x in enumerate(images) if is_path(x) or isinstance(x, bytes)]
    others = sorted(set(range(len(images))) - set(files))
    items = np.empty((len(images), *layer.size, layer.channels), "float32")
    rows, skipped = set(others), []
    if files:
        found, kept, bad = read(
            [images[i] for i in files],
            layer.size,
            layer.channels,
            layer.invert,
            layer.resize,
        )
        kept = [files[i] for i in kept]
        items[kept] = to_unit_range(found)
        rows.update(kept)
        left = [i for i in files if i not in rows]
        skipped = [
            (_name(chunk[i], start + i), reason)
            for i, (_, reason) in zip(left, bad, strict=True)
        ]
    if others:
        items[others] = _of_arrays([images[i] for i in others], layer, start, others)
    rows = np.asarray(sorted(rows), int)
    paths = [images[row] for row in rows if is_path(images[row])]
    return (items[rows] if skipped else items), rows, paths, skipped


def _of_arrays(images, layer, start, places=None):
    """Preprocesses arrays and Pillow images, all at once if they have the same form."""
    alike = {(np.shape(x), x.dtype) if hasattr(x, "dtype") else None for x in images}
    are_alike = None not in alike and len(alike) == 1
    if are_alike and (isinstance(images, np.ndarray) or images[0].size <= LARGE):
        batch = np.asarray(images)
        try:
            # The function of the layer alone, which takes half the time of a call.
            return layer.call(batch[..., None] if batch.ndim == 3 else batch).numpy()
        except ValueError:
            pass  # raised again below, with the index of the image
    items = np.empty((len(images), *layer.size, layer.channels), "float32")
    for i, image in enumerate(images):
        index = start + (i if places is None else places[i])
        if hasattr(image, "dtype"):
            _finite(image[None], index)
        try:
            (items[i],) = layer.from_list([image]).numpy()
        except ValueError as error:
            reason = error.__cause__ or error
            raise ValueError(f"The image of index {index}: {reason}") from error
    return items


def _finite(items, start):
    """Returns items, floats as float32; raises an error if one is not finite."""
    if items.dtype.kind != "f":
        return items
    finite = np.isfinite(items).reshape(len(items), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"The items of index {(start + np.flatnonzero(~finite)[:5]).tolist()} hold "
            f"NaN or infinite values. Remove or correct them."
        )
    return items.astype("float32")


def _name(element, index):
    source = source_of(element, index)
    return f"image of index {source}" if isinstance(source, int) else str(source)
