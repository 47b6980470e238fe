"""Folders that hold a folder of images for each class."""

import os
import pathlib
import stat
import unicodedata
import warnings

from fsl_keras.datasets.labels import check_blanks
from fsl_keras.images import (
    IMAGE_SUFFIXES,
    animated,
    is_image_name,
    kind_of_file,
)

# What operating systems, servers and archives leave in folders, in lower case. What
# begins with a dot is passed over as well: ._photo.jpg, .DS_Store, .ipynb_checkpoints.
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

# Names of folders that are parts of a data set, or wrap it, more often than classes.
SPLITS = {
    *("train", "training", "val", "valid", "validation", "dev", "test", "testing"),
    *("images", "img", "imgs", "photos", "pictures"),
}


def files_by_class(folder):
    """Lists the images of a folder that holds a folder for each class.

    Class folders may hold further folders, and links are followed. An image is known by
    the suffix of its name, or by its first bytes where the name has no suffix. Other
    files are skipped, with a warning that names them; hidden files and folders, and
    what operating systems leave (`__MACOSX`, `@eaDir`, `Thumbs.db`), are passed over.
    Two folders whose names are the same letters in different Unicode forms are one
    class.

    Args:
        folder: path.

    Returns:
        A dictionary from class name to sorted list of paths.

    Raises:
        FileNotFoundError: if the folder is not there.
        ValueError: if it has no class folders, one holds no image, or what it holds
            are the parts of a data set, such as `train` and `test`.
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. It should hold a folder of images for "
            f"each class."
        )
    entries = [p for p in sorted(folder.iterdir()) if not _is_junk(p.name)]
    classes = [p for p in entries if p.is_dir()]
    if not classes:
        raise ValueError(
            f"{folder} has no folders in it. Put the images of each class into a "
            f"folder of its own, named as the class."
        )
    found, others = {}, []
    for path in classes:
        found[path], more = _divided(path)
        others.extend(more)
    _check_is_no_split(folder, found)
    files = {}
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
    others += [(p, "beside the class folders, so of no class") for p in loose]
    warn_of_skipped(others, len(others) + sum(map(len, files.values())))
    return files


def class_files(folder):
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
            f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)}), and no folder "
            f"in it does."
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
    """Yields the files below a folder; each folder once, though links may be loops."""
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
    """Says in a few words why a file is no image; None where it is one."""
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
        return True  # reading it gives the reason


def _check_is_no_split(folder, found):
    """Refuses a folder whose folders are the parts of a data set, not classes.

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
        # One learns from the training part.
        inner = next((p for p in inner if p.name.lower().startswith("train")), inner[0])
        raise ValueError(
            f"{folder} holds {', '.join(path.name for path in found)}, whose folders "
            f"hold the images: did you mean {inner}? Give the folder that holds the "
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
                f"{folder} has folders whose names differ by case alone, which are "
                f"classes of their own: {same}. Put them together if they are one.",
                stacklevel=3,
            )


def warn_of_skipped(skipped, total):
    """Warns of files that were left out, with their number, names and reasons.

    Args:
        skipped: list of pairs `(path, reason)`.
        total: integer, how many files there were.
    """
    if skipped:
        named = listed([f"{path}: {reason}" for path, reason in skipped])
        warnings.warn(
            f"Skipped {len(skipped)} of {total} files: {named}.", stacklevel=3
        )


def warn_of_animations(paths):
    """Warns of the pictures that are animated, with their number and names.

    Args:
        paths: list of picture files, all of which can be read.
    """
    found = animated(paths)
    if found:
        warnings.warn(
            f"Only the first frame is used of {len(found)} of {len(paths)} pictures, "
            f"which are animated: {listed(found)}.",
            stacklevel=3,
        )


def listed(things):
    """Names the first ten of some things, and how many more there are."""
    more = [f"and {len(things) - 10} more"] if len(things) > 10 else []
    return "; ".join([*map(str, things[:10]), *more])
