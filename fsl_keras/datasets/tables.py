"""Tables of image files and labels: CSV files and pandas DataFrames."""

import csv
import io
import pathlib
from typing import Any

from fsl_keras.datasets.columns import has_labels, image_column, label_column
from fsl_keras.typing import Path

SUFFIXES = (".csv", ".tsv")


def is_table_file(path: Path) -> bool:
    """Returns whether a path has the suffix of a table.

    Example:

    >>> is_table_file("photos/labels.CSV"), is_table_file("photos")
    (True, False)
    """
    return pathlib.Path(path).suffix.lower() in SUFFIXES


def is_data_frame(given: Any) -> bool:
    """Returns whether an object is a table like a pandas DataFrame."""
    return hasattr(given, "columns") and hasattr(given, "iloc")


def read_table(path: Path) -> tuple[list[pathlib.Path], list[str] | None]:
    """Reads a CSV file of image files, with or without labels.

    The first line names the columns, separated by commas, semicolons or tabs; the known
    names are in `datasets.columns`. Spaces around values and empty lines are ignored.

    Args:
        path: path of the file, in UTF-8. Paths in it are relative to its folder.

    Returns:
        A pair: the list of paths, and the list of labels, all strings, or None where
        there is no column of labels.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it has no column of images, or a row has no image.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not in UTF-8. Save it in UTF-8.") from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
    )
    try:
        names = rows.fieldnames or []
        image = image_column(names)
        label = label_column(names) if has_labels(names) else None
        images: list[pathlib.Path] = []
        labels: list[str] = []
        for row in rows:
            name = (row[image] or "").strip()
            if not name:
                raise ValueError(f"Line {rows.line_num} has no {image!r}.")
            images.append(path.parent / pathlib.Path(name).expanduser())
            if label is not None:
                labels.append((row[label] or "").strip())
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error
    return images, labels if label is not None else None


def read_data_frame(frame: Any) -> tuple[Any, Any]:
    """Reads the images and labels of a DataFrame.

    Args:
        frame: pandas DataFrame; see `read_table` for its columns. Paths are relative to
            the working folder.

    Returns:
        A pair: the column of the images and that of the labels, or None.

    Raises:
        ValueError: if there is no column of images.
    """
    try:
        image = image_column(frame.columns)
    except ValueError as error:
        raise ValueError(f"The columns of the DataFrame: {error}") from error
    labels = frame[label_column(frame.columns)] if has_labels(frame.columns) else None
    return frame[image], labels
