"""Pictures: their items and features, and their files while a session lasts."""

import contextlib
import io
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fsl_keras import images, inputs
from fsl_keras.app.learners import Embedder
from fsl_keras.app.uploads import Upload
from fsl_keras.files.space import named_if_full
from fsl_keras.files.temporary import TemporaryFolder
from fsl_keras.model_selection.support_set import THUMBNAIL

# The side of the thumbnails that are shown, in pixels.
SIDE = 160


class Embedded(NamedTuple):
    """A picture or a text that was read.

    Attributes:
        row: integer, its position among those given.
        item: float32 array, the preprocessed picture; or a string, the text.
        features: float array `[1, *feature]`.
        small: optional float array `[16, 16, 1]`, by which near duplicates of pictures
            are found.
    """

    row: int
    item: Any
    features: np.ndarray
    small: np.ndarray | None = None


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
        small = np.asarray(images.fit(items, THUMBNAIL, channels=1))
        found += [
            Embedded(int(row), item, features[i : i + 1], small[i])
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


def upload_of(picture: bytes | np.ndarray) -> Upload:
    """Returns a picture as what is taught, see `features_of`."""
    if isinstance(picture, np.ndarray):
        return Upload("camera.png", png(picture))
    return Upload("shown", picture)


class PictureFolder:
    """A temporary folder of pictures and their thumbnails.

    It is removed by `close`, or with this object.

    Attributes:
        path: the path of the folder.
        bytes: integer, the size of all pictures in it.
    """

    def __init__(self) -> None:
        self._folder = TemporaryFolder("pictures")
        self.path = self._folder.path
        self.bytes = 0
        self._added: list[pathlib.Path] = []

    @contextlib.contextmanager
    def all_or_none(self) -> Iterator[None]:
        """A context that keeps the pictures that are added in it, or none of them.

        Raises:
            OSError: if the disk is full.
        """
        before, self._added = self.bytes, []
        try:
            with named_if_full(self.path):
                yield
        except BaseException:
            for file in self._added:
                file.unlink(missing_ok=True)
            self.bytes = before
            raise

    def add(self, id: int, name: str, contents: bytes) -> dict[str, pathlib.Path]:
        """Writes a picture that can be read, and its thumbnail.

        Args:
            id: integer, unique in the folder.
            name: string, the name of its file.
            contents: bytes of the file.

        Returns:
            A dictionary of paths: the `original` and the `thumbnail`.
        """
        suffix = pathlib.PurePath(name).suffix.lower()
        file = self.path / f"{id}{suffix if images.is_image_name(name) else '.png'}"
        small = self.path / f"{id}_small.jpg"
        self._added += [file, small]
        file.write_bytes(contents)
        Image.fromarray(thumbnail(contents)).save(small, quality=85)
        self.bytes += len(contents)
        return {"original": file, "thumbnail": small}

    def close(self) -> None:
        """Removes the folder."""
        self._folder.remove()


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
