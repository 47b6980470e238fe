"""Picture files: which they are, and reading many of them."""

import concurrent.futures
import contextlib
import functools
import os
import pathlib
import threading

import numpy as np
import tensorflow as tf

from fsl_keras.pictures.decoding import decode, why_unreadable
from fsl_keras.pictures.headers import is_animated, pixels_of
from fsl_keras.pictures.values import fit

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")

# So many pixels are decoded at a time, or those of one larger picture. Each takes 3 to
# 10 bytes, and up to 16 in files of other than 8 bits.
_PIXELS_AT_A_TIME = 100_000_000


def is_picture_name(path):
    """Says whether a file's name ends like a picture's, in any case.

    Args:
        path: string or `os.PathLike`.

    Returns:
        A bool.

    Example:

    >>> is_picture_name("birds/heron.JPG"), is_picture_name("notes.txt")
    (True, False)
    """
    return pathlib.Path(path).suffix.lower() in PICTURE_SUFFIXES


def animated(paths):
    """Finds the animated GIFs, of which only the first frame is read.

    Args:
        paths: list of strings or `os.PathLike`.

    Returns:
        The list of those that have several frames.
    """
    found = []
    for path in paths:
        with open(path, "rb") as file:
            start = file.read(4)
            if start == b"GIF8" and is_animated(start + file.read()):
                found.append(path)
    return found


def read(paths, size, channels, invert=False, threads=None):
    """Reads picture files in parallel, to one size and channel count.

    A file that cannot be decoded is left out and reported. Of large pictures fewer are
    decoded at a time, so that the memory does not grow with their number.

    Args:
        paths: list of strings or `os.PathLike`.
        size: `(height, width)` in pixels, as in `fit`.
        channels: 1 for grey or 3 for RGB, as in `fit`.
        invert: bool, as in `fit`.
        threads: int, how many files are read at a time. Defaults to the number of
            processors.

    Returns:
        A tuple `(images, kept, skipped)`:

        - `images`: uint8 array `[n, *size, channels]`;
        - `kept`: int64 array `[n]`, the index in `paths` of each picture;
        - `skipped`: list of `(path, reason)`, strings.

    Raises:
        FileNotFoundError: If a file does not exist.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> picture = tf.zeros([4, 6, 3], tf.uint8)
    >>> _ = (folder / "a.png").write_bytes(tf.io.encode_png(picture).numpy())
    >>> _ = (folder / "b.png").write_bytes(b"")
    >>> images, kept, skipped = read(sorted(folder.iterdir()), (2, 3), 3)
    >>> images.shape, kept.tolist(), [reason for _, reason in skipped]
    ((1, 2, 3, 3), [0], ['the file is empty'])
    """
    if isinstance(paths, (str, os.PathLike)):
        raise ValueError(f"Expected a list of paths, got one: [{str(paths)!r}] is one.")
    paths = list(paths)
    images = np.empty((len(paths), *size, channels), "uint8")
    decode_and_fit = _decode_and_fit(tuple(size), channels, invert)
    pixels = _Shared(_PIXELS_AT_A_TIME)

    def read_one(index):
        contents = pathlib.Path(paths[index]).read_bytes()
        try:
            with pixels.taken(int(_pixels_of(contents))):
                images[index] = decode_and_fit(contents)
        except tf.errors.InvalidArgumentError:
            return why_unreadable(contents)
        return None

    with concurrent.futures.ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        reasons = list(pool.map(read_one, range(len(paths))))
    kept = np.array([i for i, reason in enumerate(reasons) if not reason], "int64")
    skipped = [(str(paths[i]), reason) for i, reason in enumerate(reasons) if reason]
    return images[kept] if skipped else images, kept, skipped


class _Shared:
    """So much of something, of which threads take a part and wait for it if need be."""

    def __init__(self, total):
        self._total = self._free = total
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, amount):
        """Waits for an amount; one above the total waits until all is free."""
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


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def _pixels_of(contents):
    return pixels_of(contents)


@functools.cache
def _decode_and_fit(size, channels, invert):
    """The two as one graph, which threads run side by side, unlike Python."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def decode_and_fit(contents):
        return fit(decode(contents), size, channels, invert)

    return decode_and_fit
