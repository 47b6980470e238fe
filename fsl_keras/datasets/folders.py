"""Folders that hold a folder of images for each class."""

import os
import pathlib
import stat
import unicodedata
import warnings
from collections.abc import Sequence
from typing import Any

from fsl_keras.datasets.labels import check_blanks
from fsl_keras.images import (
    IMAGE_SUFFIXES,
    animated,
    is_image_name,
    kind_of_file,
)
from fsl_keras.typing import Path

# Files and folders of operating systems, servers and archives, in lower case. They are
# ignored, as are names with a leading dot: ._photo.jpg, .DS_Store, .ipynb_checkpoints.
JUNK = {
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "lost+found",
    "system volume information",
    "thumbs.db",
    "desktop.ini",
}

# Names of folders that are usually parts of a data set, or contain it, and not classes.
SPLITS = {
    *("train", "training", "val", "valid", "validation", "dev", "test", "testing"),
    *("images", "img", "imgs", "photos", "pictures"),
}


def files_by_class(folder: Path) -> dict[str, list[pathlib.Path]]:
    """Lists the images of a folder that holds a folder for each class.

    Class folders may hold further folders, and links are followed. An image is
    recognized by the suffix of its name, or by its first bytes if there is no suffix.
    Other files are skipped, with a warning that names them. Hidden files and folders,
    and those of operating systems (`__MACOSX`, `@eaDir`, `Thumbs.db`), are ignored. Two
    folders whose names differ only in their Unicode form are one class.

    Args:
        folder: path.

    Returns:
        A dictionary from class name to sorted list of paths.

    Raises:
        FileNotFoundError: if the folder is not there.
        ValueError: if it has no class folders, one holds no image, or its folders are
            the parts of a data set, such as `train` and `test`.
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. Pass a folder that holds a folder of images "
            f"for each class."
        )
    entries = [p for p in sorted(folder.iterdir()) if not _is_junk(p.name)]
    classes = [p for p in entries if p.is_dir()]
    if not classes:
        raise ValueError(
            f"{folder} holds no folders. Put the images of each class into a folder "
            f"with the name of the class."
        )
    found: dict[pathlib.Path, list[pathlib.Path]] = {}
    others: list[tuple[pathlib.Path, str]] = []
    for path in classes:
        found[path], more = _divided(path)
        others.extend(more)
    _check_is_no_split(folder, found)
    files: dict[str, list[pathlib.Path]] = {}
    for path, images in found.items():
        files.setdefault(unicodedata.normalize("NFC", path.name), []).extend(images)
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise ValueError(
            f"The class folders {empty} of {folder} hold no image "
            f"({', '.join(IMAGE_SUFFIXES)}). Fill or remove them."
        )
    check_blanks(files)
    _warn_of_cases(folder, files)
    loose = [p for p in entries if not p.is_dir() and _why_no_image(p) is None]
    others += [(p, "not in a class folder") for p in loose]
    warn_of_skipped(others, len(others) + sum(map(len, files.values())))
    return files


def class_files(folder: Path) -> list[pathlib.Path]:
    """Lists the images in a folder, nested ones too; see `files_by_class`.

    Args:
        folder: path.

    Returns:
        A sorted list of paths.

    Raises:
        FileNotFoundError: if the folder is not there.
        ValueError: if it holds no image.
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} of images.")
    files, others = _divided(folder)
    if not files:
        raise ValueError(
            f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)}), nor do the "
            f"folders in it."
        )
    warn_of_skipped(others, len(others) + len(files))
    return files


def _divided(folder):
    """Returns the images in a folder, and pairs of other files and reasons."""
    images, others = [], []
    for path in _walked(folder, others):
        reason = _why_no_image(path)
        if reason is None:
            images.append(path)
        else:
            others.append((path, reason))
    return sorted(images), sorted(others)


def _walked(folder, others):
    """Yields the files below a folder, each folder once even if links form loops."""
    seen = set()

    def failed(error):
        others.append((pathlib.Path(error.filename), f"not read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=failed, followlinks=True):
        status = os.stat(place)
        known = (status.st_dev, status.st_ino) in seen
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [] if known else [n for n in folders if not _is_junk(n)]
        if not known:
            yield from (pathlib.Path(place, n) for n in files if not _is_junk(n))


def _is_junk(name):
    return name.startswith(".") or name.lower() in JUNK


def _why_no_image(path):
    """Returns the reason why a file is not an image; None for an image."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        is_broken = isinstance(error, FileNotFoundError) and path.is_symlink()
        return "a link to nothing" if is_broken else f"not read: {error.strerror}"
    if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
        return "not a regular file"
    if is_image_name(path) or (not path.suffix and _begins_as_image(path)):
        return None
    return "not named as an image"


def _begins_as_image(path):
    try:
        return kind_of_file(path) is not None
    except OSError:
        return True  # reading it will report the reason


def _check_is_no_split(folder, found):
    """Raises an error if folders are the parts of a data set instead of classes.

    Args:
        folder: path.
        found: dictionary from the path of each folder in it to its images.
    """
    found = {path: images for path, images in found.items() if images}
    # The folders right below each, among those that hold all of its images.
    below = {
        path: {image.relative_to(path).parts[0] for image in images}
        for path, images in found.items()
        if all(len(image.relative_to(path).parts) > 1 for image in images)
    }
    named = [path for path in found if path.name.lower() in SPLITS]
    are_splits = any(path in below for path in named) and (
        len(named) > 1 or len(named) == len(found)
    )
    is_wrapped = len(found) == 1 and any(len(names) > 1 for names in below.values())
    if are_splits or is_wrapped:
        inner = [path for path in named or found if path in below]
        # Suggest the training part.
        inner = next((p for p in inner if p.name.lower().startswith("train")), inner[0])
        raise ValueError(
            f"{folder} holds {', '.join(path.name for path in found)}, whose folders "
            f"hold the images. Did you mean {inner}? Pass the folder that holds the "
            f"class folders. If {inner.name!r} is a class, put its images directly "
            f"into its folder."
        )


def _warn_of_cases(folder, names):
    spelled = {}
    for name in names:
        spelled.setdefault(name.casefold(), []).append(name)
    for same in spelled.values():
        if len(same) > 1:
            warnings.warn(
                f"{folder} has folders whose names differ only in case, which are "
                f"different classes: {same}. Merge them if they are one class.",
                stacklevel=3,
            )


def warn_of_skipped(
    skipped: Sequence[tuple[Any, str]],
    total: int,
    noun: str = "files",
    stacklevel: int = 3,
) -> None:
    """Warns of skipped files or rows, with their number, names and reasons.

    Args:
        skipped: list of pairs `(path, reason)` or `(place, reason)`.
        total: integer, the number of all files or rows.
        noun: string, what was skipped: `"files"` or `"rows"`.
        stacklevel: integer, as in `warnings.warn`.
    """
    if skipped:
        named = listed([f"{path}: {reason}" for path, reason in skipped])
        warnings.warn(
            f"Skipped {len(skipped)} of {total} {noun}: {named}.",
            stacklevel=stacklevel,
        )


def warn_of_animations(paths: Sequence[Path], stacklevel: int = 3) -> None:
    """Warns of animated images, with their number and names.

    Args:
        paths: list of readable image files.
        stacklevel: integer, as in `warnings.warn`.
    """
    found = animated(paths)
    if found:
        warnings.warn(
            f"Only the first frame is used of {len(found)} of {len(paths)} images, "
            f"which are animated: {listed(found)}.",
            stacklevel=stacklevel,
        )


def listed(items: Sequence) -> str:
    """Returns the names of the first ten items, and the number of the others."""
    more = [f"and {len(items) - 10} more"] if len(items) > 10 else []
    return "; ".join([*map(str, items[:10]), *more])


picture_files = files_by_class  # its former name
