"""The output of commands: lines, tables, JSON and CSV."""

import csv
import dataclasses
import json
import math
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

errors = Console(stderr=True)
# The width of tables without a terminal.
NO_LIMIT = 1_000_000
# The maximum number of lines of a kind, and of rows of an ordered table.
MOST_LISTED = 10

AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, and all else on standard error."),
]
AsCsv = Annotated[
    bool,
    typer.Option("--csv", help="Print the first table as CSV, all else as with JSON."),
]


class Output:
    """The results of a command: text for people, JSON or CSV for programs.

    With `as_json` or `as_csv`, `finish` prints the document on standard output, and
    lines go to standard error.

    Args:
        as_json: bool, whether to print all tables and values as one JSON object.
        as_csv: bool, whether to print the rows of the first table as CSV.
    """

    def __init__(self, as_json: bool = False, as_csv: bool = False):
        if as_json and as_csv:
            raise typer.BadParameter("Give --json or --csv, not both.")
        self._as_json, self._as_csv = as_json, as_csv
        self._document: dict = {}
        self._tables: list[list[dict]] = []

    def say(self, line: str) -> None:
        """Prints a line without wrapping, so that paths in it can be copied."""
        say(line, stderr=self._as_json or self._as_csv)

    def add(self, **values) -> None:
        """Adds values to the JSON object."""
        self._document.update(values)

    def table(self, name: str, rows: list[dict], text: Sequence[dict] = ()) -> None:
        """Prints a table, or nothing if it has no rows.

        Args:
            name: string, the name of the list of rows in the JSON object.
            rows: list of dictionaries of values, for JSON and CSV.
            text: list of dictionaries of strings, for the table that is printed. By
                default, none is printed.
        """
        self._document[name] = rows
        self._tables.append(rows)
        if text and not (self._as_json or self._as_csv):
            _print_table(text)

    def finish(self) -> None:
        """Prints the JSON or CSV document."""
        if self._as_json:
            text = json.dumps(plain(self._document), ensure_ascii=False, indent=1)
            sys.stdout.write(text + "\n")
        elif self._as_csv:
            _write_csv(self._tables[0])


def say(line: str, stderr: bool = False) -> None:
    """Prints a line without wrapping, so that paths in it can be copied."""
    console = errors if stderr else Console()
    console.print(Text(escaped(line)), soft_wrap=True)


def working(what: str) -> AbstractContextManager:
    """A context that shows what is being done, if standard error is a terminal."""
    return errors.status(Text(escaped(what)))


def print_reports(out: Output, reports: list) -> None:
    """Prints `EpisodeReport`s of the same data as a table, after what they share."""
    texts = [report.row() for report in reports]
    shared = ("data", "episodes", "seed", "overlap")
    out.say(", ".join(f"{name} {texts[0][name]}" for name in shared))
    out.table(
        "reports",
        [
            {
                "model": report.name,
                "accuracy": report.accuracy,
                "ci95": report.ci95,
                **report.protocol,
            }
            for report in reports
        ],
        [
            {name: text[name] for name in ("task", "queries", "accuracy", "kind")}
            for text in texts
        ],
    )


def print_confusions(
    out: Output, confusions: list[tuple[str, str, int]], noun: str
) -> None:
    """Prints a table of `(class, predicted class, count)`, cut to the first ones.

    Args:
        out: `Output`.
        confusions: list of triples.
        noun: string, what is counted, such as `"image"`.
    """
    out.table(
        "confusions",
        [
            {"class_name": name, "answer": answer, "count": count}
            for name, answer, count in confusions
        ],
        [
            {"class": name, "taken for": answer, f"{noun}s": str(count)}
            for name, answer, count in confusions[:MOST_LISTED]
        ],
    )


def escaped(text: Any) -> str:
    r"""Returns text with escapes for its control characters.

    Example:

    >>> import os
    >>> print(escaped("two\nlines, \x1b[31mred"), escaped(os.fsdecode(b"\xff.png")))
    two\nlines, \x1b[31mred \xff.png
    """
    return "".join(_spelled(character) for character in str(text))


def plain(value: Any) -> Any:
    """Converts a value to the types of JSON: NaN becomes None, a path a string."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _print_table(rows):
    """Prints rows of strings, wrapped to the width of a terminal if there is one."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=NO_LIMIT)
    # Cells that do not fit are wrapped.
    columns = [Column(Text(escaped(name)), overflow="fold") for name in rows[0]]
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(escaped(cell)) for cell in row.values()))
    console.print(table)


def _write_csv(rows):
    """Prints rows of values as CSV (RFC 4180); lists and dictionaries as JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, names)
    writer.writeheader()
    for row in plain(rows):
        writer.writerow({name: _csv_cell(value) for name, value in row.items()})


def _csv_cell(value):
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return value


def _spelled(character):
    if unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"):
        return character
    if "\udc80" <= character <= "\udcff":  # a byte of a name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
