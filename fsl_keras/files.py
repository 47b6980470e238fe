"""Writing files so that a crash never costs the last good one."""

import contextlib
import os
import pathlib
import shutil
import uuid
import warnings


@contextlib.contextmanager
def replacing(path):
    """Yields a path beside `path`; what is written there then takes its place.

    The yielded path has the same suffix, lies in the same folder, and may become
    a file or a folder. It is renamed to `path` only when the block ends without
    an exception, so a full disk or a kill in the middle of writing leaves the
    previous `path` as it was.

    Args:
        path: string or `os.PathLike`, the file or folder to write. Missing
            parent folders are made.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.json"
    >>> with replacing(path) as beside:
    ...     _ = beside.write_text("{}", encoding="utf-8")
    >>> path.read_text(encoding="utf-8")
    '{}'
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    beside = path.with_name(f".{path.stem}.{mark}{path.suffix}")
    try:
        yield beside
        if path.is_dir() and not path.is_symlink():
            _swap_folder(beside, path, mark)
        else:
            os.replace(beside, path)
    finally:
        _remove(beside)


def read_kept(path, read, what):
    """Reads what was kept in a file, so that it need not be made again.

    Args:
        path: path of the file.
        read: function of an open binary file.
        what: string, what the file holds, for the warning of one that is damaged.

    Returns:
        What `read` returns, or None where there is no file or it is damaged.
    """
    if not path.exists():
        return None
    try:
        # `np.load` of a path would leave a damaged file open.
        with path.open("rb") as file:
            return read(file)
    except Exception as error:  # a damaged archive raises errors of many kinds
        warnings.warn(
            f"{what} kept at {path} cannot be read ({error}) and are made again.",
            stacklevel=3,
        )
        return None


class SavesBeside:
    """Mixed into a Keras model: `save` replaces an old file only by a whole new one.

    Keras itself empties the old file first, and a full disk or a kill costs both.
    """

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model as `keras.Model.save` does, beside its place at first."""
        if not overwrite or "://" in str(filepath):  # Keras asks, or knows the way
            super().save(filepath, overwrite, zipped, **kwargs)
            return
        with replacing(filepath) as beside:
            super().save(beside, zipped=zipped, **kwargs)


def _swap_folder(beside, path, mark):
    """Puts folder `beside` where folder `path` is (no single call does it)."""
    old = path.with_name(f".{path.name}.{mark}.old")
    os.replace(path, old)
    try:
        os.replace(beside, path)
    except OSError:
        os.replace(old, path)
        raise
    _remove(old)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def shipped_folder(name):
    """Returns a folder of data that comes with the package, as `setup.py` packs it.

    Args:
        name: string, its path in a checkout.
    """
    package = pathlib.Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def cache_folder():
    """Returns the folder of what is built once: `$FSL_KERAS_HOME` or `~/.fsl_keras`."""
    home = os.environ.get("FSL_KERAS_HOME")
    return pathlib.Path(home) if home else pathlib.Path.home() / ".fsl_keras"
