"""Folders that hold a folder of pictures for each class."""

import pathlib
import warnings

from fsl_keras.pictures import PICTURE_SUFFIXES, is_picture_name


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
        found = sorted(
            p for p in path.rglob("*") if p.is_file() and not _hidden(p, path)
        )
        files[path.name] = [p for p in found if is_picture_name(p)]
        others.extend(p for p in found if not is_picture_name(p))
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise ValueError(
            f"The class folders {empty} of {folder} hold no picture "
            f"({', '.join(PICTURE_SUFFIXES)}). Fill or remove them."
        )
    kinds = f"not named as a picture ({', '.join(PICTURE_SUFFIXES)})"
    total = len(others) + sum(map(len, files.values()))
    warn_of_skipped([(path, kinds) for path in others], total)
    return files


def _hidden(path, folder):
    return any(part[0] == "." for part in path.relative_to(folder).parts)


def warn_of_skipped(skipped, total):
    """Warns of files that were left out, with their number, names and reasons.

    Args:
        skipped: list of pairs `(path, reason)`.
        total: integer, how many files there were.
    """
    if not skipped:
        return
    listed = "; ".join(f"{path}: {reason}" for path, reason in skipped[:10])
    more = f"; and {len(skipped) - 10} more" if len(skipped) > 10 else ""
    warnings.warn(
        f"Skipped {len(skipped)} of {total} files: {listed}{more}.", stacklevel=3
    )
