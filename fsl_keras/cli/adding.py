"""`fsl-keras add-class`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    TextColumn,
    Texts,
    check_options,
    given_items,
    image_files,
    kind_of,
    read_texts,
    warn_of_bad,
)
from fsl_keras.cli.options import Import
from fsl_keras.cli.output import say
from fsl_keras.cli.stored import import_modules, load_classifier
from fsl_keras.files.locks import locked
from fsl_keras.files.outputs import KERAS, check_writable


def add_class(
    ctx: typer.Context,
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    examples: Annotated[
        list[pathlib.Path] | None,
        typer.Argument(
            help="A folder with images of the new class, or image files; or .txt files "
            "with a sentence in each line, or tables of sentences without labels."
        ),
    ] = None,
    text: Texts = None,
    text_column: TextColumn = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the class. Default: the folder's, if it is one."),
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="The classifier to write. Default: the same file."),
    ] = None,
    modules: Import = None,
) -> None:
    """Add a class to a classifier, without training."""
    examples = given_items(ctx, examples, text)
    output = output or classifier
    check_writable(output, KERAS)
    if name is None and (len(examples) != 1 or examples[0].is_file()):
        raise ValueError(
            "The name of the class is unknown, as these are files and no folder: give "
            "it with --name."
        )
    import_modules(modules)
    # Two processes that add a class each leave both.
    with locked(output):
        model = load_classifier(classifier)
        _add(ctx, model, classifier, examples, text, text_column, name)
        model.save(output)
    say(f"It knows {len(model.class_names)} classes: {output}")


def _add(ctx, model, classifier, examples, text, text_column, name):
    """Reads the examples and adds the class."""
    kind = kind_of(classifier, model)
    check_options(ctx, kind, classifier)
    if kind == "text":
        items, skipped = read_texts(
            examples, text or (), text_column, labels_are_ignored=False
        )
        warn_of_bad(items, skipped)
    else:
        items = image_files(examples)
    model.add_class(name or examples[0].resolve().name, items)
