"""Reading of uploads: pictures, and ZIP archives of them, within limits."""

import dataclasses
import functools
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fsl_keras.datasets.folders import JUNK
from fsl_keras.images import is_image_name
from fsl_keras.typing import Path


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a session accepts.

    Attributes:
        pictures: integer, the maximum number of pictures in one upload.
        picture_bytes: integer, the maximum size of a picture's file.
        upload_bytes: integer, the maximum size of all pictures in one upload.
        examples: integer, the maximum number of pictures of a session.
        session_bytes: integer, the maximum size of all pictures of a session.
        texts: integer, the maximum number of texts in one upload.
        characters: integer, the maximum number of characters of a text.
        text_bytes: integer, the maximum size of a file of texts.
        text_examples: integer, the maximum number of texts of a session.
    """

    pictures: int = 500
    picture_bytes: int = 50 * 2**20
    upload_bytes: int = 500 * 2**20
    examples: int = 5000
    session_bytes: int = 2 * 2**30
    texts: int = 1000
    characters: int = 10_000
    text_bytes: int = 20 * 2**20
    text_examples: int = 2000


class Upload(NamedTuple):
    """One uploaded picture or text.

    Attributes:
        name: string, the name of its file, or the text, of 1,000 characters at most.
        contents: the bytes of the file, or a string, the text.
        folder: string, the folder in the archive that holds the picture, or the label
            of the text in a table, or `""`.
    """

    name: str
    contents: bytes | str
    folder: str = ""


class Skipped(NamedTuple):
    """A file that was left out: its name and the reason, two strings."""

    name: str
    reason: str


class _Candidate(NamedTuple):
    """A file that may be read: its size is known before."""

    name: str
    folder: str
    size: int
    read: Callable[[], bytes]


def read_uploads(
    paths: Sequence[Path], limits: Limits
) -> tuple[list[Upload], list[Skipped]]:
    """Reads uploaded files; archives are read without writing a file.

    Args:
        paths: list of the paths of pictures and of ZIP archives.
        limits: `Limits`.

    Returns:
        Two lists: the `Upload`s, whose contents may still be no picture, and the
        `Skipped` files.
    """
    uploads: list[Upload] = []
    skipped: list[Skipped] = []
    left, too_many = limits.upload_bytes, 0
    for found in _found(map(pathlib.Path, paths)):
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found.size > limits.picture_bytes:
            megabytes = limits.picture_bytes // 2**20
            skipped.append(Skipped(found.name, f"larger than {megabytes} MB"))
        elif len(uploads) == limits.pictures or found.size > left:
            too_many += 1
        else:
            left -= found.size
            try:
                uploads.append(Upload(found.name, found.read(), found.folder))
            except _UNREADABLE as error:
                skipped.append(Skipped(found.name, f"cannot be unpacked ({error})"))
    if too_many:
        files = "1 more file" if too_many == 1 else f"{too_many} more files"
        most = f"{limits.pictures} pictures and {limits.upload_bytes // 2**20} MB"
        skipped.append(Skipped(files, f"an upload has at most {most}"))
    return uploads, skipped


# What `zipfile` raises of a damaged member, and of one that is encrypted.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


def _found(paths) -> Iterator[_Candidate | Skipped]:
    for path in paths:
        if not path.is_file():
            yield Skipped(path.name, "not a file")
        elif zipfile.is_zipfile(path) and not is_image_name(path):
            yield from _members(path)
        else:
            yield _Candidate(path.name, "", path.stat().st_size, path.read_bytes)


def _members(path):
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        yield Skipped(path.name, f"a damaged archive ({error})")
        return
    with archive:
        for member in archive.infolist():
            parts = pathlib.PurePosixPath(member.filename.replace("\\", "/")).parts
            if member.is_dir() or not parts or _is_junk(parts):
                continue
            *folders, name = parts
            if ".." in parts or parts[0] == "/" or parts[0].endswith(":"):
                reason = "its path leads out of the archive"
                yield Skipped(member.filename, reason)
            elif not is_image_name(name):
                yield Skipped(member.filename, "not the name of a picture")
            else:
                # It is at most as large as the archive says: `zipfile` stops there.
                read = functools.partial(archive.read, member)
                folder = folders[-1] if folders else ""
                yield _Candidate(name, folder, member.file_size, read)


def _is_junk(parts):
    return any(
        part.lower() in JUNK or (part.startswith(".") and part != "..")
        for part in parts
    )
