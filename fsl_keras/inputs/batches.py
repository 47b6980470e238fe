"""Images in any form, as the batches that a learner takes."""

import math

import numpy as np

from fsl_keras.datasets.folders import listed, warn_of_animations
from fsl_keras.images import read, to_unit_range
from fsl_keras.inputs.elements import is_path, plain, source_of
from fsl_keras.inputs.forms import Elements

# Files are read so many at a time, in threads that a network would compete with.
READ = 64

# Arrays of so many pixels are preprocessed one by one: it costs no time, and no copy of
# a batch of photographs.
LARGE = 2**16


def batch_size(item_shape):
    """Returns how many items are embedded at a time, by their size.

    So that a folder of a million photographs needs no more memory than one of a
    hundred: 8 pictures of 224 x 224 pixels, 64 of small ones.

    Example:

    >>> batch_size((224, 224, 3)), batch_size((28, 28, 1))
    (8, 64)
    """
    pixels = math.prod(item_shape[:2]) if len(item_shape) == 3 else 1
    return int(np.clip(8 * 224 * 224 // pixels, 1, 64))


def batches_of(images, preprocessing, size):
    """Yields preprocessed batches `[b, *item]` of images without labels.

    Args:
        images: images in any form; or items, without `preprocessing`.
        preprocessing: optional `ImagePreprocessing`.
        size: integer, the largest batch.

    Raises:
        ValueError: if an image cannot be taken, with its name or index.
    """
    elements, skipped = Elements.alone(images, preprocessing is not None), []
    for items, _ in item_batches(elements, preprocessing, size, skipped):
        check_all_read(skipped)
        yield items
    check_all_read(skipped)


def file_batches(images, preprocessing, size, skipped, sources=None):
    """Yields preprocessed batches of the images that can be read.

    Args:
        images: images in any form.
        preprocessing: `ImagePreprocessing`.
        size: integer, the largest batch.
        skipped: list, to which pairs `(name, reason)` of the others are added.
        sources: optional list, to which the source of each image is added: the name of
            its file, as given, or its index.

    Yields:
        Pairs of items `[b, *item]` and the index of each among all images.
    """
    elements = Elements.alone(images)
    yield from item_batches(elements, preprocessing, size, skipped, sources)


def item_batches(elements, preprocessing, size, skipped, sources=None):
    """Yields preprocessed batches of the elements that can be read.

    Files that cannot be read are left out. At the end, a warning names those that are
    animated.

    Args:
        elements: `Elements`.
        preprocessing: `ImagePreprocessing`, or None for items that are no images.
        size: integer, the largest batch.
        skipped: list, to which pairs `(name, reason)` of the others are added.
        sources: optional list, to which the source of each element is added.

    Yields:
        Pairs of items `[b, *item]` and the index of each among all elements.

    Raises:
        ValueError: if there are no elements, or what is no file cannot be taken.
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
        raise ValueError("There are no images.")
    warn_of_animations(kept)


def check_all_read(skipped):
    """Raises an error that names the files that were skipped, if any were."""
    if skipped:
        reasons = listed([f"{name}: {reason}" for name, reason in skipped])
        files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
        raise ValueError(
            f"Cannot read {files}: {reasons}. Leave out or replace what fails."
        )


def _chunks(elements, size):
    """Yields arrays or lists of elements: few that lie in memory, or many files."""
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
        A tuple: float32 items, the index in `chunk` of each, the paths that are among
        them, and the list of pairs of name and reason of the files that cannot be read.
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
    """Preprocesses arrays and Pillow images, all at once where they are alike."""
    alike = {(np.shape(x), x.dtype) if hasattr(x, "dtype") else None for x in images}
    are_alike = None not in alike and len(alike) == 1
    if are_alike and (isinstance(images, np.ndarray) or images[0].size <= LARGE):
        batch = np.asarray(images)
        try:
            return layer(batch[..., None] if batch.ndim == 3 else batch).numpy()
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
    """Returns items, floats in float32; refuses those that are not finite."""
    if items.dtype.kind != "f":
        return items
    finite = np.isfinite(items).reshape(len(items), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"The items of index {(start + np.flatnonzero(~finite)[:5]).tolist()} hold "
            f"NaN or infinite values. Leave them out or mend them."
        )
    return items.astype("float32")


def _name(element, index):
    source = source_of(element, index)
    return f"image of index {source}" if isinstance(source, int) else str(source)
