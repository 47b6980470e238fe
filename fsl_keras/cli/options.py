"""Options that several commands share."""

import json
import tomllib
from typing import Annotated

import typer

from fsl_keras import backbones

DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder where the data lies: prepared TensorFlow Datasets, or "
        "miniImageNet's folders or pickles."
    ),
]

Backbone = Annotated[
    str | None,
    typer.Option(
        help="A network of keras.applications, such as mobilenet_v2 or resnet50."
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        help='Weights file of the backbone without its top, or "imagenet" to download.'
    ),
]
Alpha = Annotated[
    float | None, typer.Option(help="Width of a MobileNet, such as 0.35.")
]


def pretrained(name, weights, alpha):
    """Returns a frozen network of `keras.applications`."""
    arguments = {} if alpha is None else {"alpha": alpha}
    return backbones.pretrained(name, weights, **arguments)


def parsed_option(text):
    """Returns name and value of `NAME=VALUE`.

    Numbers, true and false are read, lists and tables too, as JSON or as a recipe
    writes them.
    """
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ValueError(f"An option must be NAME=VALUE. Received: {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        if not value.startswith(("[", "{")):
            return name, value
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(
            f"The value of {name} is no list or table, of JSON or TOML: {value}. An "
            f'example: {name}={{ pooling = "average" }}'
        ) from error
