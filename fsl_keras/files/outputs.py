"""The kinds of files and folders that the package writes, and what each may replace."""

import dataclasses
import fnmatch
import os
import pathlib
import stat
import tempfile

from fsl_keras.typing import Path

# Files that file managers add to folders.
CLUTTER = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclasses.dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Args:
        name: string, for error messages.
        suffixes: tuple of the valid suffixes.
    """

    name: str
    suffixes: tuple[str, ...]

    def check_suffix(self, path: Path) -> None:
        """Raises an error if a path does not end in one of the suffixes."""
        path = pathlib.Path(path)
        if path.suffix not in self.suffixes:
            raise ValueError(
                f"The name of {self.name} must end in {' or '.join(self.suffixes)}. "
                f"Received: {str(path)!r}. Use {path.stem + self.suffixes[0]!r}."
            )

    def check_replaceable(self, path: pathlib.Path) -> None:
        """Raises an error if a path exists and is not of this kind."""
        if path.is_dir():
            raise IsADirectoryError(
                f"{path} is a folder and {self.name} is a file: give the name of a "
                f"file, such as {str(path / ('name' + self.suffixes[0]))!r}."
            )
        if path.exists() and path.suffix not in self.suffixes:
            raise FileExistsError(
                f"{path} exists and does not look like {self.name}, so it is not "
                f"replaced. Choose another name, one that ends in "
                f"{' or '.join(self.suffixes)}."
            )


@dataclasses.dataclass(frozen=True)
class FolderKind:
    """A kind of folder.

    Args:
        name: string, for error messages.
        required: string, the file that every such folder has.
        patterns: tuple of the patterns of all files that such a folder can hold,
            relative to it.
    """

    name: str
    required: str
    patterns: tuple[str, ...]

    def check_suffix(self, path: Path) -> None:
        """Does nothing: a folder can have any name."""

    def check_replaceable(self, path: pathlib.Path) -> None:
        """Raises an error if a path exists and is not of this kind."""
        if not path.is_dir():
            if path.exists():
                raise NotADirectoryError(
                    f"{path} is a file and {self.name} is a folder, so the file is not "
                    f"replaced. Choose another name."
                )
            return
        found = [entry.relative_to(path) for entry in sorted(path.rglob("*"))]
        foreign = [str(entry) for entry in found if not self._is_own(path, entry)]
        if found and not (path / self.required).is_file():
            foreign = foreign or [str(entry) for entry in found]
        if foreign:
            more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
            raise FileExistsError(
                f"The folder {path} exists and holds files that are not part of "
                f"{self.name}, so it is not replaced: {', '.join(foreign[:3])}{more}. "
                f"Choose a new or an empty folder."
            )

    def _is_own(self, folder, entry):
        patterns = [pathlib.PurePath(pattern) for pattern in self.patterns]
        whole = folder / entry
        if whole.is_dir() and not whole.is_symlink():
            return any(entry in pattern.parents for pattern in patterns)
        if entry.name in CLUTTER:
            return True
        return any(
            entry.parent == pattern.parent
            and fnmatch.fnmatchcase(entry.name, pattern.name)
            for pattern in patterns
        )


KERAS = FileKind("a Keras model", (".keras",))
JSON = FileKind("a JSON file", (".json",))
CSV = FileKind("a CSV file", (".csv",))
NPZ = FileKind("a NumPy archive", (".npz",))
LITERT = FileKind("a LiteRT model", (".tflite",))
ONNX = FileKind("an ONNX model", (".onnx",))
HTML = FileKind("an HTML page", (".html", ".htm"))
FIGURE = FileKind("a figure", (".png", ".pdf", ".svg", ".jpg"))

_SAVED_MODEL_FILES = (
    "saved_model.pb",
    "fingerprint.pb",
    "keras_metadata.pb",
    "variables/variables.index",
    "variables/variables.data-*",
    "assets/*",
)
SAVED_MODEL = FolderKind("a SavedModel", "saved_model.pb", _SAVED_MODEL_FILES)
# `classifier.onnx` tells it from other pages, which have an `index.html` too.
WEB = FolderKind(
    "a web page of a classifier",
    "classifier.onnx",
    (
        "index.html",
        "style.css",
        "labels.json",
        "classifier.js",
        "pixels.js",
        "model.js",
        "page.js",
        "runtime.js",
        "ort.webgpu.min.js",
        "classifier.onnx",
    ),
)
PRESET = FolderKind(
    "a preset",
    "metadata.json",
    (
        "config.json",
        "model.weights.h5",
        "metadata.json",
        "README.md",
        *(f"saved_model/{path}" for path in _SAVED_MODEL_FILES),
    ),
)
# What `FewShotLearner.save` writes.
LEARNER = FolderKind(
    "a learner",
    "history.json",
    ("learner.keras", "classifier.keras", "history.json"),
)
# What `model.save(path, zipped=False)` writes.
UNZIPPED_KERAS = FolderKind(
    "an unzipped Keras model",
    "config.json",
    ("config.json", "metadata.json", "model.weights.h5", "assets/*"),
)
EXPORTED: dict[str, FileKind | FolderKind] = {
    "tf_saved_model": SAVED_MODEL,
    "litert": LITERT,
    "onnx": ONNX,
    "web": WEB,
}


def check_writable(path: Path, kind: FileKind | FolderKind) -> None:
    """Checks that an output can be written, before it is computed.

    Neither the output nor its parent folders are created.

    Args:
        path: string or `os.PathLike`, the file or folder that will be written.
        kind: its kind, such as `KERAS`, `JSON` or `SAVED_MODEL` of this module. The
            kinds of exported classifiers are in `EXPORTED`.

    Raises:
        ValueError: if the name does not have the suffix of its kind.
        OSError: if the path exists and is of another kind, if a parent is not a folder,
            or if there is no permission to write.

    Example:

    >>> check_writable("birds", KERAS)
    Traceback (most recent call last):
    ...
    ValueError: The name of a Keras model must end in .keras. Received: 'birds'. Use
    'birds.keras'.
    """
    kind.check_suffix(path)
    check_place(check_target(path, kind))


def check_place(path: Path) -> None:
    """Checks that a path can be written, whose parents may be missing.

    Args:
        path: string or `os.PathLike`.

    Raises:
        OSError: if a parent is not a folder, or cannot be written to.
    """
    parent = pathlib.Path(path).resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise NotADirectoryError(
            f"{path} cannot be written: {parent} is a file, not a folder."
        )
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written in the folder {parent}: {error.strerror}. "
            f"Choose another folder, or change its permissions."
        ) from error


def check_target(path: Path, kind: FileKind | FolderKind | None = None) -> pathlib.Path:
    """Checks that a path does not exist, or may be replaced.

    Args:
        path: path.
        kind: optional kind. Default: a file of any name.

    Returns:
        The path to write, with links resolved: a link itself is never replaced.
    """
    target = pathlib.Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(f"{path} is a link to itself. Choose another path.")
    if kind is not None:
        kind.check_replaceable(target)
    elif target.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder and cannot be replaced by a file. Choose another name."
        )
    if target.exists() and not target.is_dir():
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(
                f"{path} is not a regular file, so it is not replaced. Choose another "
                f"path."
            )
        effective = os.access in os.supports_effective_ids
        if not os.access(target, os.W_OK, effective_ids=effective):
            raise PermissionError(
                f"{path} exists and is read-only. Choose another name, or change its "
                f"permissions."
            )
    return target
