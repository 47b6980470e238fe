"""The examples of a command: images or sentences, and how they are read."""

import pathlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from fsl_keras.typing import Model

TextColumn = Annotated[
    str | None,
    typer.Option(
        help="Name of the column of sentences in a table. Default: the first of text, "
        "sentence, utterance and other usual names."
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="Name of the column of labels in a table. Default: the first of label, "
        "class, intent and other usual names."
    ),
]
Texts = Annotated[
    list[str] | None,
    typer.Option(
        "--text", help="A sentence, for a classifier of them; may be repeated."
    ),
]

# The options that are for items of one kind, by the names of arguments.
OPTIONS = {
    "image": (
        *("backbone", "weights", "alpha", "views", "invert", "resize", "image_size"),
    ),
    "text": ("encoder", "pooling", "prefix", "text", "text_column", "descriptions"),
}
# What JSON and CSV call an item.
KEYS = {"image": "file", "text": "text"}


def kind_of(
    path: pathlib.Path,
    model: Model | None = None,
    *,
    backbone: Any = None,
    encoder: Any = None,
    text_column: str | None = None,
) -> str:
    """Returns the kind of the examples of a command, `"image"` or `"text"`.

    A model or an option for one kind decides. Otherwise a table with a column of texts,
    and none of images, is one of texts.

    Args:
        path: path of a folder or a table.
        model: optional learner or classifier.
        backbone: the option `--backbone`, if given.
        encoder: the option `--encoder`, if given.
        text_column: the option `--text-column`, if given.

    Raises:
        FileNotFoundError: if the table does not exist.
        ValueError: if it has a column of neither.
    """
    if model is not None:
        return "text" if model.item_kind == "text" else "image"
    if backbone:
        return "image"
    if encoder or text_column:
        return "text"
    return kinds_of(path)[0]


def kinds_of(path: pathlib.Path) -> list[str]:
    """Returns the kinds of items that a path holds; of a table, those of its columns.

    Raises:
        FileNotFoundError: if it is a table that does not exist.
        ValueError: if it is a table without a column of either kind.
    """
    from fsl_keras.datasets import columns, table_files, tables

    if not tables.is_table_file(path):
        return ["image"]
    names, _ = table_files.read_rows(path.expanduser())
    found = [kind for kind in columns.ITEM_NAMES if columns.has_items(names, kind)]
    if found:
        return found
    known = {kind: ", ".join(names) for kind, names in columns.ITEM_NAMES.items()}
    raise ValueError(
        f"{path}: no column of sentences or images among {names}. The first line of a "
        f"table names its columns. Name it one of: {known['text']}; or for images: "
        f"{known['image']}. --text-column takes another name for sentences."
    )


def check_options(ctx: typer.Context, kind: str, what: Any) -> None:
    """Raises an error if an option was given that is for items of another kind.

    Args:
        ctx: the context of the command.
        kind: `"image"` or `"text"`.
        what: the file that decides, for the error.
    """
    from fsl_keras.inputs import noun_of

    for other, names in OPTIONS.items():
        given = [
            f"--{name.replace('_', '-')}"
            for name in names
            if name in ctx.params and _is_given(ctx, name)
        ]
        if given and other != kind:
            are, them = ("is", "it") if len(given) == 1 else ("are", "them")
            raise ValueError(
                f"{' and '.join(given)} {are} for {noun_of(other)}s, and {what} is for "
                f"{noun_of(kind)}s: leave {them} out."
            )


def given_items(
    ctx: typer.Context, paths: list[pathlib.Path] | None, texts: list[str] | None
) -> list[pathlib.Path]:
    """Returns the paths of a command; refuses it without paths and texts."""
    if not paths and not texts:
        ctx.fail("Missing argument: files, or sentences with --text.")
    return paths or []


def labeled(
    path: pathlib.Path,
    kind: str,
    text_column: str | None = None,
    label_column: str | None = None,
) -> tuple[Any, Any]:
    """Reads labeled examples; rows of a table that cannot be read are named.

    Args:
        path: path of a table, or of a folder with a folder of images for each class.
        kind: `"image"` or `"text"`.
        text_column: optional name of the column of texts.
        label_column: optional name of the column of labels.

    Returns:
        A pair: the paths of images or an array of texts, and the label of each.
    """
    from fsl_keras.datasets.folders import warn_of_skipped
    from fsl_keras.datasets.tables import read_table
    from fsl_keras.inputs import Elements

    if not _is_table(path, kind, text_column, label_column):
        given = Elements.labeled(path)
        return given.images, given.labels
    table = read_table(path.expanduser(), kind, text_column, label_column, True)
    total = len(table.items) + len(table.skipped)
    warn_of_skipped(table.skipped, total, noun="rows")
    given = Elements.labeled(table.items, table.labels, kind)
    return given.images, given.labels


def dataset(
    path: pathlib.Path,
    kind: str,
    image_size: tuple[int, int],
    text_column: str | None = None,
    label_column: str | None = None,
    **kwargs: Any,
) -> Any:
    """Reads labeled examples as a `ClassDataset`; see `labeled`.

    Args:
        path: as in `labeled`, as are the other arguments; or the path of TFRecord files
            or archives of images.
        kind: `"image"` or `"text"`.
        image_size: pair `(height, width)`, to which images are resized.
        text_column: optional string.
        label_column: optional string.
        **kwargs: arguments of the constructors of `ClassDataset` for images.
    """
    from fsl_keras.datasets import ClassDataset
    from fsl_keras.datasets.records import holds_records

    if kind == "image" and holds_records(path):
        return ClassDataset.from_records(path, image_size, **kwargs)
    if not _is_table(path, kind, text_column, label_column):
        return ClassDataset.from_directory(path, image_size, **kwargs)
    size = image_size if kind == "image" else None
    return ClassDataset.from_csv(path, text_column, label_column, size, **kwargs)


def read_texts(
    paths: Sequence[pathlib.Path],
    texts: Sequence[str] = (),
    text_column: str | None = None,
    labels_are_ignored: bool = True,
) -> tuple[list[str], list[tuple[str, str]]]:
    """Reads sentences without labels.

    Args:
        paths: list of paths of `.txt` files with a sentence in each line, and of
            tables.
        texts: list of sentences that come before them.
        text_column: optional name of the column of texts.
        labels_are_ignored: bool. Otherwise a table with labels raises an error.

    Returns:
        Two lists: the texts, and pairs `(place, reason)` of the lines and rows that
        cannot be read.
    """
    from fsl_keras.datasets.tables import is_table_file, read_table
    from fsl_keras.inputs import read_lines, texts_of

    found, skipped = texts_of(list(texts)).tolist() if texts else [], []
    for path in map(pathlib.Path.expanduser, paths):
        if is_table_file(path):
            _check_holds(path, "text", text_column)
            labelled = False if labels_are_ignored else None
            table = read_table(path, "text", text_column, labelled=labelled)
            if table.labels is not None:
                raise ValueError(
                    f"{path} has labels, and these are sentences of one class: leave "
                    f"out the other classes, and the column of labels."
                )
            found += table.items
            skipped += table.skipped
        elif path.suffix.lower() == ".txt":
            lines, bad = read_lines(path)
            found += lines
            skipped += [(f"{path.name}, {line}", reason) for line, reason in bad]
        else:
            what = "is no file of sentences" if path.exists() else "does not exist"
            hint = "" if path.suffix else " A sentence itself is given with --text."
            raise ValueError(
                f"{path} {what}. Give a .txt file with a sentence in each line, or a "
                f"table (.csv, .tsv or .jsonl).{hint}"
            )
    return found, skipped


def image_files(paths: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    """Lists the image files of paths of files, folders and tables."""
    from fsl_keras import inputs
    from fsl_keras.datasets.tables import is_table_file

    for path in filter(is_table_file, paths):
        _check_holds(path, "image")
    return inputs.image_files(list(paths))


def read_negatives(path: pathlib.Path, kind: str) -> Any:
    """Returns examples of no class, in a form that `adapt` takes."""
    if kind == "image":
        return path
    texts, skipped = read_texts([path])
    warn_of_bad(texts, skipped)
    return texts


def warn_of_bad(texts: Sequence[str], skipped: Sequence[tuple[str, str]]) -> None:
    """Warns of the lines and rows that `read_texts` skipped."""
    from fsl_keras.datasets.folders import warn_of_skipped

    warn_of_skipped(skipped, len(texts) + len(skipped), noun="sentences")


def read_descriptions(path: pathlib.Path) -> dict[str, str]:
    """Reads a table of labels and descriptions, as a dictionary from class to text."""
    texts, labels = labeled(path, "text")
    doubled = sorted({label for label in labels if list(labels).count(label) > 1})
    if doubled:
        raise ValueError(f"{path} describes classes more than once: {doubled}.")
    return dict(zip(labels, texts, strict=True))


def _is_given(ctx, name):
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _is_table(path, kind, text_column, label_column):
    """Returns whether a path is a table; raises an error if it cannot be read."""
    from fsl_keras.datasets.tables import is_table_file

    if is_table_file(path):
        _check_holds(path, kind, text_column)
        return True
    if kind == "text":
        raise ValueError(
            f"{path} is no table of sentences: give a .csv, .tsv or .jsonl file with a "
            f"column of sentences, such as text, and one of labels, such as label."
        )
    if label_column:
        raise ValueError(
            f"--label-column is for tables, and {path} is none: the folders in it are "
            f"the labels."
        )
    return False


def _check_holds(path, kind, text_column=None):
    """Raises an error if a table holds items of the other kind alone."""
    from fsl_keras.inputs import noun_of

    if not text_column and kind not in (kinds := kinds_of(path)):
        raise ValueError(
            f"{path} is a table of {noun_of(kinds[0])}s, and {noun_of(kind)}s are "
            f"needed."
        )
