"""Writing files so that a crash never costs the last good one."""

import contextlib
import json
import os
import pathlib
import re
import tempfile
import warnings

from fsl_keras.files import swapping
from fsl_keras.files.outputs import EXPORTED, KERAS, UNZIPPED_KERAS, check_target

# How lone surrogates are written, which stand for the bytes of file names that are not
# UTF-8: as escapes, which JSON reads back.
NOT_UTF_8 = "backslashreplace"


@contextlib.contextmanager
def replacing(path, kind=None):
    """Yields a path beside `path`; what is written there then takes its place.

    The yielded path has the same suffix, lies in the same folder, and may become
    a file or a folder. It is renamed to `path` only when the block ends without
    an exception, so a full disk or a kill in the middle of writing leaves the
    previous `path` as it was. A link stays, and what it leads to is replaced. A
    replaced file keeps its permissions.

    Args:
        path: string or `os.PathLike`, the file or folder to write. Missing
            parent folders are made.
        kind: kind of the output, one of those in `outputs`. Anything else that exists
            at `path` is not replaced. By default a file of any name; a folder needs
            its kind.

    Raises:
        OSError: if what exists at `path` is not of this kind, or cannot be replaced.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.json"
    >>> with replacing(path) as beside:
    ...     _ = beside.write_text("{}", encoding="utf-8")
    >>> path.read_text(encoding="utf-8")
    '{}'
    """
    target = check_target(path, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    swapping.clean(target)
    beside = swapping.hidden(target)
    try:
        yield beside
        if not beside.exists():
            raise FileNotFoundError(f"Nothing was written for {path}.")
        check_target(target, kind)  # it may have come in the meantime
        swapping.put(beside, target)
    finally:
        swapping.remove(beside)


class SavesBeside:
    """Mixed into a Keras model: `save` replaces an old file only by a whole new one.

    Keras itself empties the old file first, and a full disk or a kill costs both.
    """

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model as `keras.Model.save` does, beside its place at first."""
        if not overwrite or "://" in str(filepath):  # Keras asks, or knows the way
            super().save(filepath, overwrite, zipped, **kwargs)
            return
        kind = UNZIPPED_KERAS if zipped is False else KERAS
        kind.check_suffix(filepath)
        with replacing(filepath, kind) as beside:
            super().save(beside, zipped=zipped, **kwargs)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """Exports the model as `keras.Model.export` does, beside its place at first."""
        # Keras would print the path it is given, which is not the final one.
        kwargs.setdefault("verbose", False)
        with replacing(filepath, EXPORTED.get(format)) as beside:
            super().export(str(beside), format=format, **kwargs)


def write_json(path, content, kind=None):
    """Writes indented JSON in UTF-8, whole or not at all.

    Lists of numbers and strings are on one line each.

    Args:
        path: path of the file.
        content: what `json.dumps` takes.
        kind: optional kind, as in `replacing`.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # A line break is never within a string, where JSON writes it as an escape.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\n *", " ", found[0]), text)
    with replacing(path, kind) as beside:
        write_text(beside, text + "\n")


def write_text(path, text):
    """Writes text in UTF-8, with escapes for what is not (`NOT_UTF_8`)."""
    path.write_text(text, encoding="utf-8", errors=NOT_UTF_8)


def read_json(path):
    """Reads a file that `write_json` wrote.

    Raises:
        ValueError: if it does not hold JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} does not hold JSON in UTF-8: {error}") from error


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


def keep(path, write, what):
    """Keeps what took long to make in a file, where one can be written.

    Args:
        path: path of the file.
        write: function of the path to write to.
        what: string, what is kept, for the warning that it cannot be.
    """
    try:
        with replacing(path) as beside:
            write(beside)
    except OSError as error:
        warnings.warn(
            f"{what} cannot be cached at {path} ({error}) and will be made again each "
            f"time. Set FSL_KERAS_HOME to a folder that can be written to.",
            stacklevel=3,
        )


def shipped_folder(name):
    """Returns a folder of data that comes with the package, as `setup.py` packs it.

    Args:
        name: string, its path in a checkout.
    """
    package = pathlib.Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def cache_folder():
    """Returns the folder of what is built once: `$FSL_KERAS_HOME` or `~/.fsl_keras`.

    A user without a home folder has one in the folder of temporary files.
    """
    home = os.environ.get("FSL_KERAS_HOME")
    if home:
        return pathlib.Path(home)
    try:
        return pathlib.Path.home() / ".fsl_keras"
    except RuntimeError:  # as in a container that runs as a number
        return pathlib.Path(tempfile.gettempdir(), f"fsl_keras-{os.getuid()}")
