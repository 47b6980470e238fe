"""Reading of texts: entered lines, files of lines and tables, within limits."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence

from fsl_keras.app.texts import upload_of
from fsl_keras.app.uploads import Limits, Skipped, Upload
from fsl_keras.datasets.tables import SUFFIXES, is_table_file, read_table
from fsl_keras.datasets.texts import text_of
from fsl_keras.inputs import read_lines
from fsl_keras.typing import Path

# The suffixes of files of texts.
TEXT_SUFFIXES = (".txt", *SUFFIXES)


def read_texts(
    lines: Iterable[str], paths: Sequence[Path], limits: Limits
) -> tuple[list[Upload], list[Skipped]]:
    """Reads texts within limits.

    Args:
        lines: iterable of strings, a text each. Blank ones are ignored.
        paths: list of the paths of `.txt` files with a text in each line, and of tables
            with a column of texts and optionally one of labels.
        limits: `Limits`.

    Returns:
        Two lists: the `Upload`s, whose folders are the labels of tables, and what was
        `Skipped`.
    """
    uploads: list[Upload] = []
    skipped: list[Skipped] = []
    too_many = 0
    for found in _found(lines, paths, limits.text_bytes):
        if isinstance(found, Skipped):
            skipped.append(found)
        elif len(found.contents) > limits.characters:
            longer = f"longer than {limits.characters:,} characters"
            skipped.append(Skipped(found.name[:40], longer))
        elif len(uploads) == limits.texts:
            too_many += 1
        else:
            uploads.append(found)
    if too_many:
        more = "1 more text" if too_many == 1 else f"{too_many} more texts"
        most = f"at most {limits.texts} are learned at a time"
        skipped.append(Skipped(more, most))
    return uploads, skipped


def _found(lines, paths, text_bytes) -> Iterator[Upload | Skipped]:
    for number, line in enumerate(lines, start=1):
        text = line.strip() if isinstance(line, str) else line
        if text != "":
            try:
                yield upload_of(text_of(text))
            except ValueError as error:
                yield Skipped(f"line {number}", str(error))
    for path in map(pathlib.Path, paths):
        if not path.is_file():
            yield Skipped(path.name, "not a file")
        elif path.suffix.lower() not in TEXT_SUFFIXES:
            yield Skipped(path.name, f"none of {', '.join(TEXT_SUFFIXES)}")
        elif path.stat().st_size > text_bytes:
            yield Skipped(path.name, f"larger than {text_bytes // 2**20} MB")
        else:
            yield from _of_file(path)


def _of_file(path):
    try:
        if is_table_file(path):
            table = read_table(path, "text")
            texts, labels = table.items, table.labels or [""] * len(table.items)
            wrong = table.skipped
        else:
            texts, wrong = read_lines(path)
            labels = [""] * len(texts)
            wrong = [(f"{path.name}, {line}", reason) for line, reason in wrong]
    except ValueError as error:
        # The message begins with the whole path, of which a person knows the end.
        reason = str(error).removeprefix(str(path)).lstrip(": ")
        yield Skipped(path.name, reason.rstrip("."))
        return
    yield from map(upload_of, texts, labels)
    yield from (Skipped(*pair) for pair in wrong)
