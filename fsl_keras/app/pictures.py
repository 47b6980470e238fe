"""Pictures: their items and features, and their files while a session lasts."""

import io
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fsl_keras import images, inputs
from fsl_keras.app.learners import Embedder
from fsl_keras.model_selection.support_set import THUMBNAIL

# The side of the thumbnails that are shown, in pixels.
SIDE = 160


class Embedded(NamedTuple):
    """A picture that was read.

    Attributes:
        row: integer, its position among those given.
        item: float32 array, the preprocessed picture.
        features: float array `[1, *feature]`.
    """

    row: int
    item: np.ndarray
    features: np.ndarray

    @property
    def small(self) -> np.ndarray:
        """Float array `[16, 16, 1]`, by which near duplicates are found."""
        return np.asarray(images.fit(self.item[None], THUMBNAIL, channels=1))[0]


def embed(
    pictures: Sequence[Any], embedder: Embedder
) -> tuple[list[Embedded], list[tuple[int, str]]]:
    """Reads and embeds pictures, in batches of bounded size.

    Args:
        pictures: list of paths, of the bytes of files, or of uint8 arrays `[H, W, 3]`.
        embedder: `Embedder`.

    Returns:
        Two lists: an `Embedded` of each picture that can be read, and pairs of the
        position and the reason of the others.
    """
    found: list[Embedded] = []
    skipped: list[tuple[str, str]] = []
    if not pictures:
        return found, []
    size = inputs.batch_size(embedder.learner.item_shape)
    elements = inputs.Elements(pictures)
    for items, rows in inputs.item_batches(
        elements, embedder.preprocessing, size, skipped
    ):
        features = embedder.features(items)
        found += [
            Embedded(int(row), item, features[i : i + 1])
            for i, (row, item) in enumerate(zip(rows, items, strict=True))
        ]
    read = {picture.row for picture in found}
    left = [row for row in range(len(pictures)) if row not in read]
    return found, list(zip(left, [reason for _, reason in skipped], strict=True))


def features_of(picture: bytes | np.ndarray, embedder: Embedder) -> np.ndarray:
    """Returns the features `[1, *feature]` of one picture.

    Args:
        picture: the bytes of a file, or a uint8 array `[H, W, 3]`.
        embedder: `Embedder`.

    Raises:
        ValueError: if the file cannot be read.
    """
    if isinstance(picture, np.ndarray):
        return embedder.features_of_frame(picture)
    found, skipped = embed([picture], embedder)
    if skipped:
        raise ValueError(f"The picture cannot be read: {skipped[0][1]}.")
    return found[0].features


class PictureFolder:
    """A temporary folder of pictures and their thumbnails.

    It is removed by `close`, or with this object.

    Attributes:
        path: the path of the folder.
        bytes: integer, the size of all pictures in it.
    """

    def __init__(self) -> None:
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="fsl-keras-app-"))
        self.bytes = 0
        # A session that a server drops is not closed.
        self._remove = weakref.finalize(self, shutil.rmtree, self.path)

    def add(self, id: int, name: str, contents: bytes) -> dict[str, pathlib.Path]:
        """Writes a picture that can be read, and its thumbnail.

        Args:
            id: integer, unique in the folder.
            name: string, the name of its file.
            contents: bytes of the file.

        Returns:
            A dictionary of paths: the `file` and the `thumbnail`.
        """
        suffix = pathlib.PurePath(name).suffix.lower()
        file = self.path / f"{id}{suffix if images.is_image_name(name) else '.png'}"
        file.write_bytes(contents)
        self.bytes += len(contents)
        small = self.path / f"{id}_small.jpg"
        Image.fromarray(thumbnail(contents)).save(small, quality=85)
        return {"file": file, "thumbnail": small}

    def close(self) -> None:
        """Removes the folder."""
        self._remove()


def thumbnail(contents: bytes, side: int = SIDE) -> np.ndarray:
    """Returns a picture as a square uint8 array, on white.

    Raises:
        ValueError: if the file cannot be read.
    """
    small, _, skipped = images.read([contents], (side, side), 3, resize="pad")
    if skipped:
        raise ValueError(skipped[0][1])
    return small[0]


def png(picture: np.ndarray) -> bytes:
    """Returns the bytes of a PNG file of a uint8 array `[H, W, 3]`."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()
