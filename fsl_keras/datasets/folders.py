"""Folders that hold a folder of pictures for each class."""

import pathlib
import warnings

from fsl_keras.pictures import PICTURE_SUFFIXES, animated, is_picture_name


def picture_files(folder):
    """Lists the pictures of a folder that holds a folder for each class.

    Hidden files and folders are passed over. Files whose name is not that of a
    picture are skipped, with a warning that names them.

    Args:
        folder: path.

    Returns:
        A dictionary from class name to sorted list of paths.

    Raises:
        FileNotFoundError: if the folder is not there.
        ValueError: if it has no class folders, or one holds no picture.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. It should hold a folder of pictures for "
            f"each class."
        )
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if not classes:
        raise ValueError(
            f"{folder} has no folders in it. Put the pictures of each class into a "
            f"folder of its own, which bears the name of the class."
        )
    files, others = {}, []
    for path in classes:
        files[path.name], more = _divided(path)
        others.extend(more)
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise ValueError(
            f"The class folders {empty} of {folder} hold no picture "
            f"({', '.join(PICTURE_SUFFIXES)}). Fill or remove them."
        )
    _warn_of_others(others, sum(map(len, files.values())))
    return files


def class_files(folder):
    """Lists the pictures of one class, which lie in a folder; see `picture_files`.

    Raises:
        FileNotFoundError: if the folder is not there.
        ValueError: if it holds no picture.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} of pictures of a class.")
    files, others = _divided(folder)
    if not files:
        raise ValueError(
            f"{folder} holds no picture ({', '.join(PICTURE_SUFFIXES)}) of a class."
        )
    _warn_of_others(others, len(files))
    return files


def _divided(folder):
    """Returns the files of a class that are named as pictures, and the others."""
    found = sorted(
        p for p in folder.rglob("*") if p.is_file() and not _hidden(p, folder)
    )
    named = [p for p in found if is_picture_name(p)]
    return named, [p for p in found if not is_picture_name(p)]


def _warn_of_others(others, pictures):
    kinds = f"not named as a picture ({', '.join(PICTURE_SUFFIXES)})"
    warn_of_skipped([(path, kinds) for path in others], len(others) + pictures)


def _hidden(path, folder):
    return any(part[0] == "." for part in path.relative_to(folder).parts)


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
