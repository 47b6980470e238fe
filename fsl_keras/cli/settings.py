"""The options of a run as a command line gives them: `--set` and its shorthands."""

import json
import tomllib
import warnings
from typing import Annotated, Any

import typer

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.NAME=VALUE",
        help="An option of the run, such as train.queries=5, backbone.filters=32, "
        "method.inner_steps=3 or test.episodes=100; may be repeated.",
    ),
]
Ways = Annotated[
    int | None, typer.Option(help="Classes of a training episode: train.ways.")
]
Shots = Annotated[
    int | None,
    typer.Option(help="Support examples per class in training: train.shots."),
]
Steps = Annotated[int | None, typer.Option(help="Training steps: train.steps.")]
Seed = Annotated[
    int | None, typer.Option(help="Seed of weights and episodes: train.seed.")
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="Data set: data.name. `fsl-keras datasets` lists them. Default: glyphs.",
    ),
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="Method: method.name. `fsl-keras methods` lists them. Default: "
        "prototypical.",
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        help="Backbone: backbone.name. `fsl-keras backbones` lists them. Default: "
        "conv4.",
    ),
]
Resume = Annotated[
    bool, typer.Option(help="Continue the run of the folder where it stopped.")
]
# Accepted as before.
Option = Annotated[
    list[str] | None,
    typer.Option(hidden=True, help="Deprecated: --set method.NAME=VALUE."),
]
Change = Annotated[
    list[str] | None,
    typer.Option(hidden=True, help="Deprecated: --set TABLE.NAME=VALUE."),
]


def tables_of(settings: list[str] | None, **shorthands: Any) -> dict[str, dict]:
    """Returns the options of a run that a command line gives, as tables.

    Args:
        settings: list of strings `TABLE.NAME=VALUE`.
        **shorthands: the values of flags by `TABLE_NAME`; None where they are not
            given. A setting of the same option wins.

    Raises:
        ValueError: if a setting is not of this form.

    Example:

    >>> tables_of(["train.ways=20", "backbone.filters=[32, 64]"], train_seed=3)
    {'train': {'seed': 3, 'ways': 20}, 'backbone': {'filters': [32, 64]}}
    """
    from fsl_keras.training.options import SECTIONS

    tables: dict[str, dict] = {}
    for place, value in shorthands.items():
        if value is not None:
            table, _, name = place.partition("_")
            tables.setdefault(table, {})[name] = value
    for text in settings or ():
        place, value = parsed(text)
        table, dot, name = place.partition(".")
        if not (dot and name and table in SECTIONS):
            raise ValueError(
                f"A setting is TABLE.NAME=VALUE, with a table of "
                f"{', '.join(SECTIONS)}, such as train.ways=20. Received: {text!r}"
            )
        tables.setdefault(table, {})[name] = value
    return tables


def with_options(tables: dict[str, dict], options: list[str] | None) -> dict:
    """Returns tables with arguments of the method that `--option` gave."""
    from fsl_keras.training.flat_options import with_new_names

    if not options:
        return tables
    warnings.warn(
        f"`--option` is deprecated. Use `--set method.{options[0]}`.", stacklevel=2
    )
    method = {**tables.get("method", {}), **dict(map(parsed, options))}
    return {**tables, "method": with_new_names(method)}


def with_changes(tables: dict[str, dict], changes: list[str] | None) -> dict:
    """Returns tables of a recipe with options that `--change` gave by flat names."""
    from fsl_keras.training.flat_options import with_flat

    if not changes:
        return tables
    warnings.warn(
        "`--change` is deprecated. Use `--set`, such as `--set train.ways=20`.",
        stacklevel=2,
    )
    return with_flat(tables, dict(map(parsed, changes)))


def parsed(text: str) -> tuple[str, Any]:
    """Returns name and value of `NAME=VALUE`.

    Values are read as JSON or TOML; what is neither is a string.

    Example:

    >>> parsed("train.shots=[1, 5]"), parsed("method.distance=cosine")
    (('train.shots', [1, 5]), ('method.distance', 'cosine'))
    """
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ValueError(f"A setting must be NAME=VALUE. Received: {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        if not value.startswith(("[", "{")):
            return name, value
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(
            f"The value of {name} is not a list or table in JSON or TOML. An example: "
            f'{name}=["a", "b"]. Received: {value}'
        ) from error
