"""Where labeled images are in TFRecord files and WebDataset archives."""

import dataclasses
import json
import os
import pathlib
import tarfile
from collections.abc import Iterator, Sequence

import tensorflow as tf
from google.protobuf.message import DecodeError

from fsl_keras.typing import Path

ARCHIVES = (".tar",)
TFRECORDS = (".tfrecord", ".tfrecords")
# Files of TensorFlow Datasets end in this and the number of the shard.
SHARD = ".tfrecord-"
IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff")
# Features of examples in TFRecord files, and files of a sample in an archive.
IMAGE_KEYS = ("image", "image/encoded")
LABEL_KEYS = ("label", "image/class/text", "image/class/label")
LABEL_FILES = ("cls", "label", "txt", "json")
# The bytes of a record before its content: the length and a checksum.
HEADER, FOOTER = 12, 4


@dataclasses.dataclass
class Records:
    """Positions of encoded images inside files.

    Attributes:
        files: list of strings, the files.
        positions: list of triples `(file number, offset, size)`, in bytes.
        labels: list of strings, the label of each image.
        names: list of strings, such as `"a.tar, 000123"`.
        skipped: list of pairs of a name and the reason why it is left out.
    """

    files: list[str] = dataclasses.field(default_factory=list)
    positions: list[tuple[int, int, int]] = dataclasses.field(default_factory=list)
    labels: list[str] = dataclasses.field(default_factory=list)
    names: list[str] = dataclasses.field(default_factory=list)
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def is_record_file(path: Path) -> bool:
    """Returns whether a path is named like a TFRecord file or an archive.

    Example:

    >>> is_record_file("a.tar"), is_record_file("x-train.tfrecord-00000-of-00004")
    (True, True)
    >>> is_record_file("a.tar.gz")
    False
    """
    name = pathlib.Path(path).name.lower()
    return name.endswith(ARCHIVES + TFRECORDS) or SHARD in name


def holds_records(path: Path) -> bool:
    """Returns whether a path is a TFRecord file or an archive, or a folder of them."""
    path = pathlib.Path(path).expanduser()
    if not path.is_dir():
        return is_record_file(path)
    inside = [p for p in path.iterdir() if not p.name.startswith(".")]
    return any(map(is_record_file, inside)) and not any(p.is_dir() for p in inside)


def record_files(paths: Path | Sequence[Path]) -> list[pathlib.Path]:
    """Lists TFRecord files and archives in the order of their names.

    Args:
        paths: path of a file, of a folder of them, or a list of such paths.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: if a file is named like none of them, or a folder holds none.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: list[pathlib.Path] = []
    for given in paths:
        path = pathlib.Path(given).expanduser()
        if path.is_dir():
            inside = sorted(filter(is_record_file, path.iterdir()))
            if not inside:
                raise ValueError(
                    f"{path} holds no .tar or .tfrecord files. Give a folder of them."
                )
            found += inside
        elif not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")
        elif is_record_file(path):
            found.append(path)
        else:
            hint = "Decompress it first." if path.suffix in (".gz", ".tgz") else ""
            raise ValueError(
                f"{path} is no .tar or .tfrecord file, by its name. {hint}".rstrip()
            )
    return found


def find_records(
    paths: Path | Sequence[Path],
    image_key: str | None = None,
    label_key: str | None = None,
) -> Records:
    """Finds the labeled images of TFRecord files and WebDataset archives.

    The files are read once; of the images only the positions are kept. A sample of an
    archive is files that follow each other and differ in what comes after the first dot
    of their names: an image, and a label in `NAME.cls`, `.label` or `.txt`, or under
    the key `"label"` of `NAME.json`. A TFRecord file holds `tf.train.Example`s.

    Args:
        paths: path of a file, of a folder of them, or a list of such paths.
        image_key: optional string, the feature or the suffix of the image.
        label_key: optional string, the feature or the suffix of the label.

    Returns:
        `Records`. Those without an image or a label are in `skipped`.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: if a file is of another kind or damaged, or no record has an image
            and a label.
    """
    records = Records()
    for path in record_files(paths):
        is_archive = path.name.lower().endswith(ARCHIVES)
        read = _archived if is_archive else _examples
        records.files.append(str(path))
        for key, place, label in read(path, image_key, label_key):
            name = f"{path.name}, {key}"
            if place is None or not label:
                what = "image" if place is None else "label"
                records.skipped.append((name, f"it has no {what}"))
                continue
            records.positions.append((len(records.files) - 1, *place))
            records.labels.append(label)
            records.names.append(name)
    if not records.positions:
        first = f" {': '.join(records.skipped[0])}." if records.skipped else ""
        raise ValueError(
            f"{', '.join(records.files[:3])}: no image with a label.{first} Give the "
            f"names of the features or suffixes as `image_key` and `label_key`."
        )
    return records


# Yielded for each record: its key, the offset and the size of the image, its label.
Found = tuple[str, tuple[int, int] | None, str]


def _archived(path, image_key, label_key) -> Iterator[Found]:
    images = IMAGE_SUFFIXES if image_key is None else (image_key.lower(),)
    labels = LABEL_FILES if label_key is None else (label_key.lower(),)
    key, place, label = None, None, ""
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                folder, slash, name = member.name.rpartition("/")
                stem, _, suffix = name.partition(".")
                if key not in (None, folder + slash + stem):
                    yield key, place, label
                    place, label = None, ""
                key, suffix = folder + slash + stem, suffix.lower()
                if suffix in images:
                    place = (member.offset_data, member.size)
                elif suffix in labels and not label:
                    content = archive.extractfile(member)
                    label = _label_of(content.read(), suffix) if content else ""
    except tarfile.TarError as error:
        raise ValueError(f"{path} cannot be read as a .tar file: {error}.") from error
    if key is not None:
        if place is not None and sum(place) > path.stat().st_size:
            raise ValueError(f"{path} is cut off after {key}.")
        yield key, place, label


def _label_of(content, suffix):
    try:
        text = content.decode("utf-8").strip()
        if suffix != "json":
            return text
        found = json.loads(text)
    except ValueError:
        return ""
    label = found.get("label") if isinstance(found, dict) else None
    return str(label) if isinstance(label, (str, int)) else ""


def _examples(path, image_key, label_key) -> Iterator[Found]:
    images = IMAGE_KEYS if image_key is None else (image_key,)
    labels = LABEL_KEYS if label_key is None else (label_key,)
    offset, number = 0, 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            example = tf.train.Example.FromString(record)
            features = example.features.feature
            image = _first(features, images)
            place = None
            if isinstance(image, bytes):
                # The bytes of a feature lie in the record as they are.
                place = (offset + HEADER + record.find(image), len(image))
            label = _first(features, labels)
            if isinstance(label, bytes):
                label = label.decode("utf-8", "replace").strip()
            yield str(number), place, "" if label is None else str(label)
            offset += HEADER + len(record) + FOOTER
            number += 1
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"{path} is no TFRecord file, is damaged or is compressed, at record "
            f"{number}."
        ) from error
    except DecodeError as error:
        raise ValueError(
            f"{path} holds something else than `tf.train.Example`s, at record {number}."
        ) from error


def _first(features, names):
    """Returns the value of the first feature that is there, bytes or an integer."""
    for name in names:
        if name in features:
            feature = features[name]
            values = feature.bytes_list.value or feature.int64_list.value
            if values:
                return values[0]
    return None
