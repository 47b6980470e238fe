"""What can be downloaded: the classifier in each format, and its examples."""

import csv
import pathlib
import re
import shutil
import zipfile

from fsl_keras.app.examples import ExampleSet
from fsl_keras.app.session import Session
from fsl_keras.files import replacing

_ALWAYS = {
    "Keras (.keras)": ("keras", ".keras"),
    "TensorFlow SavedModel (.zip)": ("tf_saved_model", ""),
}
# By the kind of items, the format of each name in the list, and the suffix of its file.
FORMATS = {
    "image": {
        **_ALWAYS,
        "LiteRT (.tflite)": ("litert", ".tflite"),
        "ONNX (.onnx)": ("onnx", ".onnx"),
        "Web page (.zip)": ("web", ""),
        "Pictures in folders (.zip)": ("pictures", ""),
    },
    # The other formats have no strings.
    "text": {**_ALWAYS, "Texts and labels (.csv)": ("texts", ".csv")},
}


def download(session: Session, name: str) -> pathlib.Path:
    """Writes a file to download, into the folder of a session.

    Args:
        session: `Session` with classes.
        name: one of `FORMATS` of the session's `item_kind`.

    Returns:
        The path of the file.

    Raises:
        ValueError: if there are no classes, no such format, or nothing to write.
        ImportError: if a format needs a package that is not installed.
        OSError: if the disk is full.
    """
    formats = FORMATS[session.item_kind]
    if name not in formats:
        raise ValueError(f"There is no format {name!r}. Choose: {', '.join(formats)}.")
    format, suffix = formats[name]
    classifier = session.fitted.classifier
    target = session.folder / f"classifier{suffix}"
    if format == "keras":
        classifier.save(target)
    elif format == "pictures":
        target = session.folder / "pictures.zip"
        write_pictures(session.examples, target)
    elif format == "texts":
        target = session.folder / "texts.csv"
        write_texts(session.examples, target)
    else:
        classifier.export(target, format)
    if target.is_dir():
        try:
            return _packed(target)
        finally:
            shutil.rmtree(target)
    return target


def write_pictures(examples: ExampleSet, path: pathlib.Path) -> None:
    """Writes a ZIP archive with a folder of pictures for each class.

    Args:
        examples: `ExampleSet`.
        path: path of the archive.

    Raises:
        ValueError: if no example has a picture.
    """
    held = [
        (example.class_name, example.original)
        for example in examples
        if isinstance(example.original, pathlib.Path)
    ]
    if not held:
        raise ValueError(
            "There are no pictures: a classifier that was opened has none in its file."
        )
    folders = folder_names(examples.class_names)
    # Pictures are compressed already.
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for class_name, file in held:
            archive.write(file, f"{folders[class_name]}/{file.name}")


def write_texts(examples: ExampleSet, path: pathlib.Path) -> None:
    """Writes a table of texts and labels, which `ClassDataset.from_csv` reads.

    Args:
        examples: `ExampleSet`.
        path: path of the file.

    Raises:
        ValueError: if no example has a text.
    """
    held = [(e.original, e.class_name) for e in examples if e.original is not None]
    if not held:
        raise ValueError(
            "There are no texts: a classifier that was opened has none of more than "
            "1,000 characters in its file."
        )
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows([("text", "label"), *held])


def _packed(folder):
    """Writes a ZIP archive of a folder, and returns its path."""
    path = folder.with_suffix(".zip")
    with replacing(path) as temporary:
        shutil.make_archive(str(temporary.with_suffix("")), "zip", folder)
    return path


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
