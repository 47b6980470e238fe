"""The pictures of a report: read once for features, measures and thumbnails."""

import dataclasses
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fsl_keras import inputs
from fsl_keras.classifier.stored_features import stored_features
from fsl_keras.datasets.folders import listed
from fsl_keras.digests import item_digest
from fsl_keras.images import read, to_unit_range
from fsl_keras.inputs.batches import READ
from fsl_keras.model_selection.support_set import THUMBNAIL
from fsl_keras.progress import Progress
from fsl_keras.reports.quality import Quality, at_most
from fsl_keras.typing import Model

# The larger side of a thumbnail in pixels, and the quality of its JPEG.
SIDE, JPEG_QUALITY = 64, 70


@dataclasses.dataclass
class Pictures:
    """Pictures, each list and array in the same order.

    Attributes:
        files: list of strings.
        labels: list of strings, the class that each was given for.
        digests: int64 array `[n]`, equal for the same picture.
        features: float array `[n, *feature]`.
        small: uint8 array `[n, 16, 16, 1]`, by which near duplicates are found; zeros
            where there is no picture.
        thumbnails: list of bytes, JPEG files; None where there is no picture.
        qualities: list of `Quality`; None where there is no picture.
        skipped: list of pairs `(name, reason)` of files that cannot be read.
    """

    files: list[str]
    labels: list[str]
    digests: np.ndarray
    features: np.ndarray
    small: np.ndarray
    thumbnails: list[bytes | None]
    qualities: list[Quality | None]
    skipped: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def is_seen(self) -> np.ndarray:
        """A bool array `[n]`, where there is a picture."""
        return np.asarray([thumbnail is not None for thumbnail in self.thumbnails])

    @property
    def unit_vectors(self) -> np.ndarray:
        """Float32 array `[n, D]`, the features with a length of one."""
        vectors = self.features.reshape(len(self), -1).astype("float32")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)

    def __add__(self, more: "Pictures") -> "Pictures":
        """Returns these pictures and then others."""
        parts: list[Any] = []
        for field in dataclasses.fields(self):
            first, second = (getattr(part, field.name) for part in (self, more))
            is_array = isinstance(first, np.ndarray)
            parts.append(
                np.concatenate([first, second]) if is_array else first + second
            )
        return Pictures(*parts)


def read_pictures(
    files: Sequence[Any],
    labels: Sequence[str],
    learner: Model,
    preprocessing: Model,
    verbose: int = 0,
) -> Pictures:
    """Reads labeled pictures, and computes their features.

    Args:
        files: list of paths.
        labels: list of strings, the class of each.
        learner: a learner, which computes the features.
        preprocessing: its `ImagePreprocessing`.
        verbose: 0 or 1, whether to show a progress bar.

    Raises:
        ValueError: if no file can be read.
    """
    size = inputs.batch_size(learner.item_shape)
    rows: list[int] = []
    digests: list[int] = []
    features: list[np.ndarray] = []
    looks: list[Look] = []
    skipped: list[tuple[str, str]] = []
    with Progress(len(files), "images", verbose) as progress:
        for kept, items, seen, bad in _read(files, preprocessing):
            rows += kept
            digests += map(item_digest, items)
            skipped += bad
            features += [
                learner.features(items[start : start + size])
                for start in range(0, len(items), size)
            ]
            looks += seen
            progress.update(len(rows) + len(skipped))
    if not rows:
        reasons = listed([f"{name}: {reason}" for name, reason in skipped])
        raise ValueError(f"No picture can be read of {len(files)}: {reasons}.")
    return Pictures(
        [str(files[row]) for row in rows],
        [labels[row] for row in rows],
        np.asarray(digests, "int64"),
        np.concatenate(features),
        np.stack([look.small for look in looks]),
        [look.thumbnail for look in looks],
        [look.quality for look in looks],
        skipped,
    )


def stored_pictures(classifier: Model) -> Pictures | None:
    """Returns the examples of a classifier, with the features that it holds.

    A classifier does not hold pictures. Those whose files are still there, and
    unchanged, are read.

    Args:
        classifier: a `FewShotClassifier`.

    Returns:
        `Pictures`, or None if the classifier holds no features of examples.
    """
    learned, features = classifier.task.learned, stored_features(classifier)
    rows = np.flatnonzero(~learned.are_descriptions)
    if features is None or learned.owners is None or not len(rows):
        return None
    # The first feature of an example is its own, the others are of augmented copies.
    owners, firsts = np.unique(np.asarray(learned.owners), return_index=True)
    firsts = firsts[np.isin(owners, rows)]
    sources = [learned.sources[row] for row in rows]
    digests = learned.pairs[rows, 0]
    found = Pictures(
        [s if isinstance(s, str) else f"image of index {s}" for s in sources],
        [classifier.class_names[number] for number in learned.classes[rows]],
        digests,
        features[firsts],
        np.zeros((len(rows), *THUMBNAIL, 1), "uint8"),
        [None] * len(rows),
        [None] * len(rows),
        [],
    )
    places = [place for place, source in enumerate(sources) if isinstance(source, str)]
    paths = [sources[place] for place in places]
    for kept, items, looks, bad in _read(paths, classifier.preprocessing):
        found.skipped += bad
        for number, item, look in zip(kept, items, looks, strict=True):
            place = places[number]
            if item_digest(item) != digests[place]:
                found.skipped.append((paths[number], "changed since it was learned"))
                continue
            found.small[place] = look.small
            found.thumbnails[place] = look.thumbnail
            found.qualities[place] = look.quality
    return found


class Look(NamedTuple):
    """What is kept of a picture in its own size.

    Attributes:
        thumbnail: bytes, a JPEG file.
        quality: `Quality`.
        small: uint8 array `[16, 16, 1]`.
    """

    thumbnail: bytes
    quality: Quality
    small: np.ndarray

    @classmethod
    def at(cls, image: np.ndarray) -> "Look":
        """Looks at an image, a uint8 array `[height, width, 3]`."""
        picture = Image.fromarray(image)
        shown, file = at_most(picture, SIDE), io.BytesIO()
        shown.save(file, "JPEG", quality=JPEG_QUALITY)
        small = picture.convert("L").resize(THUMBNAIL, Image.Resampling.BILINEAR)
        return cls(file.getvalue(), Quality.of(picture), np.asarray(small)[..., None])


def _read(files, layer):
    """Yields the indices of pictures, their items, a `Look` of each, and the skipped.

    Args:
        files: list of paths.
        layer: `ImagePreprocessing`.
    """
    for start in range(0, len(files), READ):
        looks = {}

        def look(index, image, looks=looks):
            looks[index] = Look.at(image)

        images, kept, skipped = read(
            files[start : start + READ],
            layer.size,
            layer.channels,
            layer.invert,
            layer.resize,
            look=look,
        )
        items = to_unit_range(images).numpy()
        yield (start + kept).tolist(), items, [looks[i] for i in kept], skipped
