"""Image files: their names, and reading many of them."""

import concurrent.futures
import contextlib
import functools
import os
import pathlib
import threading
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from fsl_keras.images import gif
from fsl_keras.images.decoding import decode_kind, kind_and_pixels
from fsl_keras.images.kinds import ENOUGH, kind_of_bytes
from fsl_keras.images.pillow import UnreadableImage, opened
from fsl_keras.images.resizing import check_resize
from fsl_keras.images.sources import (
    NoContents,
    check_sources,
    contents_of,
    name_of,
)
from fsl_keras.images.values import fit
from fsl_keras.typing import Path

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp"),
    *(".tif", ".tiff", ".avif", ".heic", ".heif"),
)

# The number of pixels that are decoded at a time, if it is not one larger image. Each
# takes 3 to 10 bytes, and up to 16 in files of other than 8 bits.
_PIXELS_AT_A_TIME = 100_000_000


def is_image_name(path: Path) -> bool:
    """Returns whether a file's name has a suffix of images, in any case.

    Args:
        path: string or `os.PathLike`.

    Returns:
        A bool.

    Example:

    >>> is_image_name("birds/heron.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    return pathlib.Path(path).suffix.lower() in IMAGE_SUFFIXES


def animated(sources: Sequence[bytes | Path]) -> list[str]:
    """Finds the images of several frames or pages, of which only the first is read.

    Args:
        sources: list of paths or of the contents of files, as `read` keeps them.

    Returns:
        The list of their paths, or "item of index i" for contents.
    """
    found = []
    for index, source in enumerate(sources):
        try:
            if _has_frames(source):
                found.append(name_of(source, index))
        except (NoContents, UnreadableImage):  # removed or changed since it was read
            continue
    return found


def _has_frames(source):
    start = contents_of(source, ENOUGH)
    kind = kind_of_bytes(start)
    # Pillow would decode a still WebP to count its frames.
    if kind in ("JPEG", "PNG", "BMP", None) or (
        kind == "WebP"
        and not (start[12:16] == b"VP8X" and int.from_bytes(start[20:21]) & 2)
    ):
        return False
    contents = contents_of(source)
    if kind == "GIF":
        return gif.is_animated(contents)
    with opened(contents) as image:
        return getattr(image, "n_frames", 1) > 1


def read(
    sources: Iterable[bytes | Path],
    size: tuple[int, int],
    channels: int,
    invert: bool = False,
    resize: str = "stretch",
    threads: int | None = None,
    look: Callable[[int, np.ndarray], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """Reads image files in parallel, to one size and channel count.

    Files that are missing or corrupt, folders and pipes are skipped and reported. JPEG,
    PNG, GIF, BMP, WebP, TIFF, AVIF and HEIC are recognized by their content; see
    `decode`. Fewer large images are decoded at a time, which bounds the memory.

    Args:
        sources: list of paths (strings or `os.PathLike`) or of the contents of files
            (`bytes`).
        size: `(height, width)` in pixels, as in `fit`.
        channels: 1 for grayscale or 3 for RGB, as in `fit`.
        invert: bool, as in `fit`.
        resize: `"stretch"`, `"crop"` or `"pad"`, as in `fit`.
        threads: int, the number of files that are read at a time. Defaults to the
            number of processors.
        look: optional function of the index of a source and its decoded image, a uint8
            array `[height, width, 3]` in its own size. It is called in the threads, so
            that an image need not be decoded again.

    Returns:
        A tuple `(images, kept, skipped)`:

        - `images`: uint8 array `[n, *size, channels]`;
        - `kept`: int64 array `[n]`, the index in `sources` of each image;
        - `skipped`: list of `(name, reason)`, strings; the name is the path, or
          "item of index i" for contents.

    Raises:
        ValueError: If `sources` is a single path, or `resize` is unknown.
        TypeError: If a source is neither path nor bytes.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> image = tf.zeros([4, 6, 3], tf.uint8)
    >>> _ = (folder / "a.png").write_bytes(tf.io.encode_png(image).numpy())
    >>> _ = (folder / "b.png").write_bytes(b"")
    >>> paths = [folder / "a.png", folder / "b.png", folder / "c.png"]
    >>> images, kept, skipped = read(paths, (2, 3), 3)
    >>> images.shape, kept.tolist(), [reason for _, reason in skipped]
    ((1, 2, 3, 3), [0], ['the file is empty', 'no such file'])
    """
    sources = check_sources(sources)
    check_resize(resize)
    images = np.empty((len(sources), *size, channels), "uint8")
    fitted = _fitting(tuple(size), channels, invert, resize)
    pixels = _Shared(_PIXELS_AT_A_TIME)

    def read_one(index):
        try:
            contents = contents_of(sources[index])
            kind, number = kind_and_pixels(contents)
            with pixels.taken(number):
                image = decode_kind(contents, kind)
                images[index] = fitted(image)
                if look is not None:
                    look(index, image.numpy())
        except (NoContents, UnreadableImage) as error:
            return str(error)
        return None

    with concurrent.futures.ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        reasons = list(pool.map(read_one, range(len(sources))))
    kept = np.array([i for i, reason in enumerate(reasons) if not reason], "int64")
    skipped = [
        (name_of(sources[i], i), reason) for i, reason in enumerate(reasons) if reason
    ]
    return images[kept] if skipped else images, kept, skipped


class _Shared:
    """An amount that threads share: each takes a part, and waits until it is free."""

    def __init__(self, total):
        self._total = self._free = total
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, amount):
        """Takes an amount when it is free; an amount above the total takes all."""
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= amount)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


@functools.cache
def _fitting(size, channels, invert, resize):
    """Returns `fit` as a graph, which threads run in parallel, unlike Python."""
    return tf.function(
        lambda image: fit(image, size, channels, invert, resize),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
        autograph=False,
    )
