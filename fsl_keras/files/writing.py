"""Atomic writing: a crash never damages the previous file."""

import contextlib
import json
import os
import pathlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from fsl_keras.files import swapping
from fsl_keras.files.outputs import (
    EXPORTED,
    KERAS,
    UNZIPPED_KERAS,
    FileKind,
    FolderKind,
    check_target,
)
from fsl_keras.files.space import named_if_full
from fsl_keras.typing import Path

# Bytes of file names that are not UTF-8 are written as escapes, which JSON reads back.
NOT_UTF_8 = "backslashreplace"


@contextlib.contextmanager
def replacing(
    path: Path, kind: FileKind | FolderKind | None = None
) -> Iterator[pathlib.Path]:
    """Yields a temporary path, which is renamed to `path` at the end of the block.

    The temporary path has the same suffix and folder, and may become a file or a
    folder. It is renamed only if the block ends without an exception, so a full disk or
    a killed process leaves the previous `path` unchanged. The target of a link is
    replaced, not the link. A replaced file keeps its permissions.

    Args:
        path: string or `os.PathLike`, the file or folder to write. Missing
            parent folders are created.
        kind: optional kind of the output, from `outputs`. An existing `path` of another
            kind is not replaced. Default: a file of any name; a folder needs its kind.

    Raises:
        OSError: if an existing `path` is not of this kind, or cannot be replaced, or
            the disk is full.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.json"
    >>> with replacing(path) as temporary:
    ...     _ = temporary.write_text("{}", encoding="utf-8")
    >>> path.read_text(encoding="utf-8")
    '{}'
    """
    target = check_target(path, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    swapping.clean(target)
    temporary = swapping.hidden(target)
    try:
        with named_if_full(path):
            yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for {path}.")
        check_target(target, kind)  # it may have been created in the meantime
        swapping.put(temporary, target)
    finally:
        swapping.remove(temporary)


class SavesBeside:
    """Mixin of a Keras model that saves and exports atomically.

    Keras itself empties the old file first, so that a full disk or a killed process
    loses both.
    """

    def save(
        self,
        filepath: Path,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs,
    ) -> None:
        """Saves the model as `keras.Model.save` does, atomically."""
        if not overwrite or "://" in str(filepath):  # left to Keras
            super().save(filepath, overwrite, zipped, **kwargs)  # type: ignore[misc]
            return
        kind = UNZIPPED_KERAS if zipped is False else KERAS
        kind.check_suffix(filepath)
        with replacing(filepath, kind) as temporary:
            super().save(temporary, zipped=zipped, **kwargs)  # type: ignore[misc]

    def export(self, filepath: Path, format: str = "tf_saved_model", **kwargs) -> None:
        """Exports the model as `keras.Model.export` does, atomically."""
        # Keras would print the temporary path.
        kwargs.setdefault("verbose", False)
        with replacing(filepath, EXPORTED.get(format)) as temporary:
            super().export(  # type: ignore[misc]
                str(temporary), format=format, **kwargs
            )


def write_json(
    path: Path, content: Any, kind: FileKind | FolderKind | None = None
) -> None:
    """Writes indented JSON in UTF-8, atomically.

    Lists of numbers and strings are on one line each.

    Args:
        path: path of the file.
        content: an object that `json.dumps` takes.
        kind: optional kind, see `replacing`.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # A line break is never within a string, where JSON writes it as an escape.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\n *", " ", found[0]), text)
    with replacing(path, kind) as temporary:
        write_text(temporary, text + "\n")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes text in UTF-8, with escapes for other bytes (`NOT_UTF_8`)."""
    path.write_text(text, encoding="utf-8", errors=NOT_UTF_8)


def read_json(path: Path) -> Any:
    """Reads a file that `write_json` wrote.

    Raises:
        ValueError: if it does not hold JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} does not hold JSON in UTF-8: {error}") from error


def read_kept(path: pathlib.Path, read: Callable[[BinaryIO], Any], what: str) -> Any:
    """Reads a file of the cache.

    Args:
        path: path of the file.
        read: function of an open binary file.
        what: string, the content of the file, for the warning if it is damaged.

    Returns:
        The result of `read`, or None if there is no file or it is damaged.
    """
    if not path.exists():
        return None
    try:
        # `np.load` of a path would leave a damaged file open.
        with path.open("rb") as file:
            return read(file)
    except Exception as error:  # a damaged archive raises errors of many kinds
        warnings.warn(
            f"{what} cached at {path} cannot be read ({error}) and are made again.",
            stacklevel=3,
        )
        return None


def keep(path: Path, write: Callable[[pathlib.Path], Any], what: str) -> None:
    """Writes a file of the cache, or warns if it cannot be written.

    Args:
        path: path of the file.
        write: function of the path to write to.
        what: string, the content of the file, for the warning.
    """
    try:
        with replacing(path) as temporary:
            write(temporary)
    except OSError as error:
        warnings.warn(
            f"{what} cannot be cached at {path} ({error}) and will be made again "
            f"each time. Set FSL_KERAS_HOME to a folder that can be written to.",
            stacklevel=3,
        )


def shipped_folder(name: str) -> pathlib.Path:
    """Returns a folder of data of the package, installed or in a checkout.

    Args:
        name: string, its path in a checkout.
    """
    package = pathlib.Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def cache_folder() -> pathlib.Path:
    """Returns the cache folder: `$FSL_KERAS_HOME` or `~/.fsl_keras`.

    Without a home folder, it is in the folder of temporary files.
    """
    home = os.environ.get("FSL_KERAS_HOME")
    if home:
        return pathlib.Path(home)
    try:
        return pathlib.Path.home() / ".fsl_keras"
    except RuntimeError:  # a container with a user without a name
        return pathlib.Path(tempfile.gettempdir(), f"fsl_keras-{os.getuid()}")
