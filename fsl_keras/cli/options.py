"""Options that several commands share."""

from typing import Annotated

import typer

DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder where the data lies: prepared TensorFlow Datasets, or "
        "miniImageNet's folders or pickles."
    ),
]
