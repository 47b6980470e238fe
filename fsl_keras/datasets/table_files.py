"""The rows of table files: CSV, TSV and JSON lines."""

import csv
import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from fsl_keras.datasets.texts import is_unicode

# Characters in a cell; the default of the module `csv` is 131,072.
LONGEST_CELL = 2**31 - 1

# A row: the number of its first line, and its cells by column, or the reason why it has
# none.
Row = tuple[int, dict[str, Any] | str]


def read_rows(path: pathlib.Path) -> tuple[list[str], list[Row]]:
    """Reads all rows of a table file that are not blank.

    Args:
        path: path of a file in UTF-8. A file named `.jsonl` or `.ndjson` has a JSON
            object in each line. Any other has a first line of column names, separated
            by commas, semicolons or tabs, and quotes around cells that contain them.

    Returns:
        A pair: the names of the columns, and a list of pairs of the number of a line,
        from 1, and the row that begins there: a dictionary from column to cell, or a
        string, the reason why the row cannot be read. Bytes that are not in UTF-8 are
        surrogate characters of cells.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the first line is not text in UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    first = text.partition("\n")[0]
    if "\0" in first or not is_unicode(first):
        raise ValueError(f"{path} is not in UTF-8. Save it as text in UTF-8.")
    lines = io.StringIO(text, newline=None)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _json_rows(lines)
    return _separated_rows(lines, first)


def _separated_rows(lines, header):
    delimiter = max(",;\t", key=header.count)
    # The unit separator stands for none, in a table of one column.
    delimiter = delimiter if delimiter in header else "\x1f"
    # Blanks after a closing quote are no error at the end of a line.
    stripped = (line.rstrip(" \n") + "\n" for line in lines)
    reader = csv.reader(
        stripped, delimiter=delimiter, skipinitialspace=True, strict=True
    )
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        found = list(_numbered(reader))
    finally:
        csv.field_size_limit(limit)
    if not found:
        return [], []
    (_, names), *rest = found
    names = [] if isinstance(names, str) else [name.strip() for name in names]
    return names, [(line, _by_name(names, cells, delimiter)) for line, cells in rest]


def _numbered(reader) -> Iterator[tuple[int, list[str] | str]]:
    """Yields the rows of a CSV reader that are not blank, or why they are not read."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            last = reader.line_num
            until = f" (up to line {last})" if last > line else ""
            yield line, f"quotes that do not match{until}"
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _by_name(names, cells, delimiter):
    if isinstance(cells, str):
        return cells
    while len(cells) > len(names) and not cells[-1].strip():
        cells.pop()
    if len(cells) > len(names):
        return (
            f"{len(cells)} cells for {len(names)} columns (put quotes around a cell "
            f"that contains {delimiter!r})"
        )
    return dict(zip(names, cells, strict=False))


def _json_rows(lines):
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            rows.append((number, row if isinstance(row, dict) else "no JSON object"))
    names = {name: None for _, row in rows if isinstance(row, dict) for name in row}
    return list(names), rows
