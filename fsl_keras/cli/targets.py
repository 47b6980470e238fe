"""What a command is to write, checked before it begins to work."""

import pathlib
import tempfile


def check_file(path, suffix=None):
    """Refuses a file that cannot be written, or whose name is that of another kind.

    Args:
        path: path of the file.
        suffix: optional string, what its name must end in.

    Raises:
        ValueError: if the name has another suffix.
        OSError: if there is a folder of that name, or no file can be written there.
    """
    path = pathlib.Path(path)
    if suffix and path.suffix != suffix:
        raise ValueError(
            f"The file to write must end in {suffix}. Received: {path}. Give it the "
            f"name {path.with_name((path.stem or path.name) + suffix)}, for example."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder, and a file is to be written: give the name of a file."
        )
    _check_folder_of(path)


def check_folder(path):
    """Refuses a folder that cannot be made, or be written to.

    Args:
        path: path of the folder, which need not exist.

    Raises:
        OSError: if there is a file of that name, or nothing can be written there.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(
            f"{path} is a file, and a folder is to be written: give another name."
        )
    _check_folder_of(path / "any")


def _check_folder_of(path):
    """Tries to write a file where the nearest existing folder of a path is."""
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written: {folder}: {error.strerror}. Give another "
            f"place, or get the permission to write there."
        ) from error
