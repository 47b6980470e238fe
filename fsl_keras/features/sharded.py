"""Features of a large data set: computed in shards, and read from their files."""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.folders import warn_of_skipped
from fsl_keras.datasets.mapped_items import MappedItems
from fsl_keras.features.embedding import (
    backbone_key,
    batch_size_of,
    check_items,
    embeddings,
    text_or_item_digest,
)
from fsl_keras.files import read_json, write_json
from fsl_keras.files.space import named_if_full
from fsl_keras.progress import Progress
from fsl_keras.typing import Model, Path

NAME = re.compile(r"shard-(\d+)-of-(\d+)\.json")
FREE = 2**26  # bytes that are left free on the disk


def embed_shard(
    data: ClassDataset,
    backbone: Model,
    folder: Path,
    shard: int = 0,
    shards: int = 1,
    batch_size: int | None = None,
    verbose: int = 0,
) -> pathlib.Path:
    """Computes the features of a part of a data set, and writes them to a folder.

    Unlike `embed`, it holds one batch of items and features in memory. Several
    processes or machines compute a shard each; `read_shards` opens all of them. A call
    that was interrupted continues where it stopped when it is repeated. Items that
    cannot be read are left out, named in a warning, and listed in `skipped` of the data
    set that `read_shards` returns; make the data set with `check_files=False`, so that
    files are read once.

    Args:
        data: `ClassDataset` of all items, the same for each shard.
        backbone: as in `embed`.
        folder: path of the folder for the files of all shards.
        shard: integer from 0 to `shards - 1`, which part is computed.
        shards: integer, the number of parts.
        batch_size: optional integer, as in `embed`.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        The path of the shard, an `.npy` file of float32 features `[n, *feature]`. Rows
        of items that cannot be read are NaN.

    Raises:
        ValueError: if `shard` is out of range, the items are not of the shape and kind
            that the backbone takes, or the folder holds features of another backbone,
            other data or another number of shards.
        OSError: if the disk has too little space, or another process computes the
            shard.

    Example:

    >>> import keras, tempfile
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> data = ClassDataset.from_arrays(np.eye(4, dtype="float32"), [0, 0, 1, 1])
    >>> folder = tempfile.mkdtemp()
    >>> embed_shard(data, backbone, folder, shard=0, shards=2).name
    'shard-0-of-2.npy'
    >>> _ = embed_shard(data, backbone, folder, shard=1, shards=2)
    >>> read_shards(folder, name="two shards").summary()
    'two shards: 2 classes of 2 items, 4 in all, shape (3,)'
    """
    if not 0 <= shard < shards:
        raise ValueError(
            f"`shard` must be from 0 to {shards - 1}, as there are {shards}. Received: "
            f"{shard}"
        )
    check_items(data, backbone)
    folder = pathlib.Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.concatenate(data.class_rows)
    first, last = (len(rows) * number // shards for number in (shard, shard + 1))
    about = _about(data, backbone, rows, shard, shards)
    path = folder / f"shard-{shard}-of-{shards}.npy"
    lock = path.with_suffix(".lock")
    try:
        with FileLock(lock, timeout=0), named_if_full(path):
            try:
                _begin(path, about)
                if not path.exists():
                    size = batch_size or batch_size_of(data)
                    _write(path, data, backbone, rows[first:last], size, verbose)
            finally:
                lock.unlink()
    except Timeout as error:
        raise OSError(
            f"Another process computes {path}. Wait until it has ended."
        ) from error
    return path


def read_shards(folder: Path, name: str | None = None) -> ClassDataset:
    """Opens the features that `embed_shard` wrote, as a data set.

    Features stay in their files, and are read when episodes are drawn.

    Args:
        folder: path of the folder.
        name: optional string; the folder's name by default.

    Returns:
        A `ClassDataset` of float32 vectors or maps. Classes of which no item could be
        read are left out with a warning.

    Raises:
        FileNotFoundError: if there are no shards, or one is missing or not complete.
        ValueError: if shards belong to different data, backbones or numbers of shards.
    """
    folder = pathlib.Path(folder).expanduser()
    counts = {shards for (_, shards), _ in _shards(folder)}
    if not counts:
        raise FileNotFoundError(f"{folder} holds no shards of features.")
    if len(counts) > 1:
        raise ValueError(
            f"{folder} holds shards of different numbers: {sorted(counts)}. Remove "
            f"those of one number."
        )
    (shards,) = counts
    paths = [folder / f"shard-{i}-of-{shards}.npy" for i in range(shards)]
    missing = [f"{i}/{shards}" for i, path in enumerate(paths) if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks the shards {', '.join(missing)}, or they are not complete."
        )
    abouts = [read_json(path.with_suffix(".json")) for path in paths]
    if any(about["of"] != abouts[0]["of"] for about in abouts):
        raise ValueError(
            f"The shards in {folder} are of different data or backbones. Compute them "
            f"again in an empty folder."
        )
    names = [name for about in abouts for name in about["names"]]
    items = MappedItems(paths, names or None)
    return _data(items, abouts, name or folder.name)


def _data(items, abouts, name):
    about = abouts[0]["of"]
    bad = [pair for a in abouts for pair in a["skipped"]]
    is_read = np.ones(len(items), bool)
    is_read[[row for row, _, _ in bad]] = False
    if len(items) != sum(about["class_sizes"]):
        raise ValueError(
            f"The shards hold {len(items)} features, and {sum(about['class_sizes'])} "
            f"were announced. Compute them again in an empty folder."
        )
    rows = np.split(np.arange(len(items)), np.cumsum(about["class_sizes"])[:-1])
    rows = [some[is_read[some]] for some in rows]
    pairs = list(zip(about["class_names"], rows, strict=True))
    empty = [(name, "no item can be read") for name, some in pairs if not len(some)]
    warn_of_skipped(empty, len(pairs), "classes", stacklevel=4)
    kept = [(name, some) for name, some in pairs if len(some)]
    skipped = [(name, reason) for _, name, reason in bad]
    return ClassDataset(
        items, [some for _, some in kept], [name for name, _ in kept], name, skipped
    )


def _shards(folder) -> Iterator[tuple[tuple[int, int], pathlib.Path]]:
    for path in folder.glob("shard-*.json"):
        match = NAME.fullmatch(path.name)
        if match:
            yield (int(match[1]), int(match[2])), path


def _about(data, backbone, rows, shard, shards) -> dict[str, Any]:
    """Returns what the file beside the features holds."""
    names = data.items.paths
    first, last = (len(rows) * number // shards for number in (shard, shard + 1))
    digest = hashlib.sha256()
    for row in rows:
        if names is None:
            (item,) = data.items.take(np.asarray([row]))
            name = str(text_or_item_digest(item))
        else:
            name = pathlib.Path(names[row]).name  # folders differ between machines
        digest.update(f"{name}\n".encode("utf-8", "backslashreplace"))
    return {
        "of": {
            "backbone": backbone_key(backbone),
            "items": digest.hexdigest(),
            "class_names": data.class_names,
            "class_sizes": data.class_sizes.tolist(),
        },
        "names": [] if names is None else names[rows[first:last]].tolist(),
        "skipped": [],
        "first": first,
    }


def _begin(path, about):
    """Writes what the shard is of; refuses a folder with something else."""
    for (number, shards), other in _shards(path.parent):
        if f"-of-{shards}.npy" not in path.name:
            raise ValueError(
                f"{path.parent} holds shards of {shards}. Give the same number of "
                f"shards, or another folder."
            )
        if read_json(other)["of"] != about["of"]:
            raise ValueError(
                f"{path.parent} holds features of another backbone or of other data, "
                f"in shard {number}. Choose another folder, or remove it."
            )
    if not path.with_suffix(".json").exists():
        write_json(path.with_suffix(".json"), about)


def _write(path, data, backbone, rows, batch_size, verbose):
    """Appends features to a partial file, and renames it when it is complete."""
    shape = tuple(backbone.output_shape[1:])
    partial = path.with_suffix(".partial")
    row_bytes = 4 * int(np.prod(shape))
    with open(partial, "ab") as file:
        if not file.tell():
            header = {"descr": "<f4", "fortran_order": False}
            header["shape"] = (len(rows), *shape)
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
    with open(partial, "r+b") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        begin = file.tell()
        done = (os.path.getsize(partial) - begin) // row_bytes
        # Whole batches, as features differ in the last digit with the size of a batch.
        done -= done % batch_size
        _check_space(path, (len(rows) - done) * row_bytes)
        file.truncate(begin + done * row_bytes)
        file.seek(0, os.SEEK_END)
        label = "sentences" if data.item_dtype == "string" else "images"
        with Progress(len(rows), label, verbose, done=done) as progress:
            for items, kept, count in _batches(data, rows[done:], batch_size):
                found = np.full((count, *shape), np.nan, "float32")
                if len(kept):
                    found[kept] = _finite(embeddings(backbone, items))
                file.write(found.tobytes())
                file.flush()
                done += count
                progress.update(done)
        os.fsync(file.fileno())
    _list_skipped(path, data, rows, np.memmap(partial, "<f4", "r", begin), row_bytes)
    os.replace(partial, path)


def _finite(features):
    if not np.isfinite(features).all():
        raise ValueError(
            "The backbone computes features that are not finite. Check its weights and "
            "the preprocessing of the items."
        )
    return features


def _batches(data, rows, batch_size):
    """Yields items, their places, and the number asked for; reads one ahead."""
    starts = range(0, len(rows), batch_size)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = None
        for start in starts:
            some = rows[start : start + batch_size]
            reading = pool.submit(data.items.read, some)
            if waiting:
                yield _result(*waiting)
            waiting = reading, len(some)
        if waiting:
            yield _result(*waiting)


def _result(reading, count):
    items, kept, _ = reading.result()
    return items, kept, count


def _list_skipped(path, data, rows, values, row_bytes):
    """Lists the items without features, with the reasons, and warns of them."""
    firsts = values[:: row_bytes // 4]
    missing = np.flatnonzero(np.isnan(firsts))
    _, _, skipped = data.items.read(rows[missing]) if len(missing) else ([], [], [])
    warn_of_skipped(skipped, len(rows), stacklevel=5)
    about = read_json(path.with_suffix(".json"))
    about["skipped"] = [
        [about["first"] + int(row), name, reason]
        for row, (name, reason) in zip(missing, skipped, strict=True)
    ]
    write_json(path.with_suffix(".json"), about)


def _check_space(path, needed):
    free = shutil.disk_usage(path.parent).free
    if needed + FREE > free:
        raise OSError(
            f"The features take {needed / 1e9:.2f} GB, and the disk of {path.parent} "
            f"has {free / 1e9:.2f} GB left. Free some space, or choose another folder."
        )
