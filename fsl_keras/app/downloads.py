"""What can be downloaded: the classifier in each format, and the pictures."""

import pathlib
import re
import shutil
import zipfile

from fsl_keras.app.examples import ExampleSet
from fsl_keras.app.session import Session

# The format of each name in the list, and the suffix of its file.
FORMATS = {
    "Keras (.keras)": ("keras", ".keras"),
    "TensorFlow SavedModel (.zip)": ("tf_saved_model", ""),
    "LiteRT (.tflite)": ("litert", ".tflite"),
    "ONNX (.onnx)": ("onnx", ".onnx"),
    "Web page (.zip)": ("web", ""),
    "Pictures in folders (.zip)": ("pictures", ".zip"),
}


def download(session: Session, name: str) -> pathlib.Path:
    """Writes a file to download, into the folder of a session.

    Args:
        session: `Session` with classes.
        name: one of `FORMATS`.

    Returns:
        The path of the file.

    Raises:
        ValueError: if there are no classes, no such format, or nothing to write.
        ImportError: if a format needs a package that is not installed.
    """
    if name not in FORMATS:
        raise ValueError(f"There is no format {name!r}. Choose: {', '.join(FORMATS)}.")
    format, suffix = FORMATS[name]
    classifier = session.fitted.classifier
    target = session.folder / f"classifier{suffix}"
    if format == "keras":
        classifier.save(target)
    elif format == "pictures":
        target = session.folder / "pictures.zip"
        write_pictures(session.examples, target)
    else:
        classifier.export(target, format)
    if target.is_dir():
        archive = shutil.make_archive(str(target), "zip", target)
        shutil.rmtree(target)
        return pathlib.Path(archive)
    return target


def write_pictures(examples: ExampleSet, path: pathlib.Path) -> None:
    """Writes a ZIP archive with a folder of pictures for each class.

    Args:
        examples: `ExampleSet`.
        path: path of the archive.

    Raises:
        ValueError: if no example has a picture.
    """
    held = [(e.class_name, e.file) for e in examples if e.file is not None]
    if not held:
        raise ValueError(
            "There are no pictures: a classifier that was opened has none in its file."
        )
    folders = folder_names(examples.class_names)
    # Pictures are compressed already.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for class_name, file in held:
            archive.write(file, f"{folders[class_name]}/{file.name}")


def folder_names(class_names: list[str]) -> dict[str, str]:
    """Returns a name of a folder for each class, valid on every system.

    Example:

    >>> folder_names(["heron", "Heron", "a/b", ".."])
    {'heron': 'heron', 'Heron': 'Heron_2', 'a/b': 'a_b', '..': '_'}
    """
    taken: set[str] = set()
    found = {}
    for class_name in class_names:
        plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", class_name)
        plain = re.sub(r"^\.+|[. ]+$", "", plain) or "_"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        found[class_name] = name
    return found
