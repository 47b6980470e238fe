"""`fsl-keras add-class`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    Texts,
    check_options,
    image_files,
    read_texts,
)
from fsl_keras.cli.options import Import
from fsl_keras.cli.output import say
from fsl_keras.cli.stored import import_modules, load_classifier
from fsl_keras.files.outputs import KERAS, check_writable


def add_class(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    images: Annotated[
        list[pathlib.Path],
        typer.Argument(help="A folder with images of the new class, or image files."),
    ],
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
    from fsl_keras.inputs import image_files

    output = output or classifier
    check_writable(output, KERAS)
    if name is None and (len(images) > 1 or images[0].is_file()):
        raise ValueError(
            "The name of the class is unknown, as these are files and no folder: give "
            "it with --name."
        )
    import_modules(modules)
    model = load_classifier(classifier)
    model.add_class(name or images[0].resolve().name, image_files(images))
    model.save(output)
    say(f"It knows {len(model.class_names)} classes: {output}")
