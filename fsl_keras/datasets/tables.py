"""Tables of images or texts and their labels: CSV, TSV, JSON lines and DataFrames."""

import dataclasses
import pathlib
from typing import Any

from fsl_keras.datasets import columns
from fsl_keras.datasets.folders import listed
from fsl_keras.datasets.labels import as_python, is_missing
from fsl_keras.datasets.table_files import read_rows
from fsl_keras.datasets.texts import is_unicode, text_of
from fsl_keras.typing import Path

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclasses.dataclass(frozen=True)
class Table:
    """The items of a table.

    Attributes:
        items: list of paths of images, list of strings, or a column of a DataFrame of
            images.
        labels: list of strings or column of a DataFrame, the label of each item; None
            if the table has no column of labels.
        skipped: list of pairs of the place of a row, such as `"a.csv, line 3"`, and
            the reason why it is not among the items.
    """

    items: Any
    labels: Any
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)


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


def read_table(
    path: Path,
    kind: str = "image",
    column: str | None = None,
    label_column: str | None = None,
    labelled: bool | None = None,
) -> Table:
    """Reads a file of images or of texts, with or without labels.

    The first line of a CSV or TSV file names the columns, separated by commas,
    semicolons or tabs. A line of a JSON lines file (`.jsonl`, `.ndjson`) is an object
    whose keys are the columns. The known names are in `datasets.columns`. Blanks around
    values and blank lines are ignored.

    Rows without a text, with a text that is not in UTF-8 or not a string, without a
    label or with too many cells are skipped; the caller warns of them. Numbers in the
    column of labels are names.

    Args:
        path: path of the file, in UTF-8. Paths of images in it are relative to its
            folder.
        kind: `"image"` or `"text"`.
        column: optional string, the name of the column of images or texts.
        label_column: optional string, the name of the column of labels.
        labelled: optional bool, whether labels are needed; False leaves them out. By
            default they are read if there is a column of them.

    Returns:
        A `Table`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it lacks a column that is needed, a row has no image, or no row
            has a text.
    """
    path = pathlib.Path(path)
    names, rows = read_rows(path)
    try:
        chosen = _columns(names, kind, column, label_column, labelled)
    except ValueError as error:
        is_guessed = column is None and not columns.has_items(names, kind)
        hint = _hint(names, kind) if is_guessed else ""
        raise ValueError(f"{path}: {error}{hint}") from error
    try:
        if kind == "image":
            return _images(path.parent, rows, *chosen)
        places = [(f"{path.name}, line {line}", cells) for line, cells in rows]
        return _texts(places, *chosen)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_data_frame(
    frame: Any,
    kind: str = "image",
    column: Any = None,
    label_column: Any = None,
    labelled: bool | None = None,
) -> Table:
    """Reads the images or texts, and the labels, of a DataFrame.

    Args:
        frame: pandas DataFrame. Paths are relative to the working folder.
        kind: as in `read_table`, as are the other arguments.
        column: optional name of the column of images or texts.
        label_column: optional name of the column of labels.
        labelled: optional bool, whether labels are needed.

    Returns:
        A `Table`. Of images it has the columns as they are. Rows of texts are skipped
        as in `read_table`.

    Raises:
        ValueError: if a column that is needed is not there, or no row has a text.
    """
    try:
        item, label = _columns(
            list(frame.columns), kind, column, label_column, labelled
        )
        if kind == "image":
            return Table(frame[item], None if label is None else frame[label])
        names = [item] if label is None else [item, label]
        cells = zip(*(frame[name].tolist() for name in names), strict=True)
        rows = [
            (f"row {index}", dict(zip(names, row, strict=True)))
            for index, row in zip(frame.index, cells, strict=True)
        ]
        return _texts(rows, item, label)
    except ValueError as error:
        raise ValueError(f"The DataFrame: {error}") from error


def _hint(names, kind):
    if kind == "text" and columns.has_items(names, "image"):
        return " `ClassDataset.from_csv` reads a table of images with `image_size`."
    return (
        f" Is the first line a header, such as `{kind},label`? "
        f"`ClassDataset.from_csv` takes another name as `column`."
    )


def _columns(names, kind, item, label, labelled):
    """Returns the names of the columns of items and of labels, or None."""
    item = columns.item_column(names, kind, item)
    is_there = label is not None or columns.has_labels(names)
    if labelled is False or (labelled is None and not is_there):
        return item, None
    label = columns.label_column(names, label)
    if label == item:
        raise ValueError(f"The column {item!r} cannot hold both {kind}s and labels.")
    return item, label


def _images(folder, rows, item, label):
    images, labels = [], []
    for line, cells in rows:
        if isinstance(cells, str):
            raise ValueError(f"Line {line} has {cells}.")
        name, named = _string(cells.get(item)), _string(cells.get(label))
        if not name:
            raise ValueError(f"Line {line} has no {item!r}.")
        if not is_unicode(name):
            raise ValueError(f"Line {line} has an {item!r} that is not in UTF-8.")
        images.append(folder / pathlib.Path(name).expanduser())
        labels.append(named)
    return Table(images, None if label is None else labels)


def _string(cell):
    return "" if is_missing(cell) else str(cell).strip()


def _texts(rows, item, label):
    """Returns the texts of rows, which are pairs of a place and cells."""
    texts, labels, skipped = [], [], []
    for place, cells in rows:
        try:
            text = _cell(cells, item, text_of)
            if label is not None:
                labels.append(_cell(cells, label, _label))
            texts.append(text.strip())
        except ValueError as error:
            skipped.append((place, str(error)))
    if not texts:
        reasons = listed([f"{place}: {reason}" for place, reason in skipped])
        raise ValueError(
            f"No row has a {item!r}{'' if label is None else f' and a {label!r}'}"
            f"{reasons and f' ({reasons})'}."
        )
    return Table(texts, None if label is None else labels, skipped)


def _cell(cells, name, convert):
    if isinstance(cells, str):
        raise ValueError(cells)
    try:
        return convert(cells.get(name))
    except ValueError as error:
        raise ValueError(f"{name!r} {error}") from error


def _label(value):
    value = as_python(value)
    # A column of integers with a missing one is a column of floats in pandas.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text_of(str(value) if isinstance(value, int) else value).strip()
