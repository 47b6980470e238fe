"""The Typer app: its commands, and how errors and warnings are printed."""

import os
import warnings
from typing import Annotated

import typer
from rich.text import Text

import fsl_keras
from fsl_keras.cli import (
    adapting,
    adding,
    benchmarking,
    comparing,
    embedding,
    exporting,
    learning,
    lists,
    measuring,
    predicting,
    proposing,
    reporting,
    reproducing,
    serving,
    streams,
    training,
)
from fsl_keras.cli.output import errors, escaped

app = typer.Typer(
    help="Few-shot learning: train on episodes, adapt to a few examples, predict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# In the order of work, as the help lists them.
app.command()(training.train)
app.command()(reproducing.reproduce)
app.command()(comparing.compare)
app.command()(adapting.adapt)
app.command("add-class")(adding.add_class)
app.command()(learning.learn)
app.command()(proposing.propose)
app.command()(predicting.predict)
app.command()(measuring.evaluate)
app.command()(reporting.report)
app.command()(exporting.export)
app.command()(embedding.embed)
app.command()(serving.app)
app.command("presets")(lists.list_presets)
app.command("recipes")(lists.list_recipes)
app.command("methods")(lists.list_methods)
app.command("backbones")(lists.list_backbones)
app.command("datasets")(lists.list_datasets)
app.command()(benchmarking.benchmark)

DEBUG = "FSL_KERAS_DEBUG"


def _print_version(wanted):
    if wanted:
        typer.echo(f"fsl-keras {fsl_keras.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Declares the options before the name of a command."""


def main() -> None:
    """Runs the command line; an error is one line and a non-zero exit status."""
    streams.prepare()
    warnings.showwarning = _warnings_once()
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        line = " ".join(str(error).split())
        if not isinstance(error, (ValueError, OSError, ImportError)):
            line = f"{type(error).__name__}: {line} ({DEBUG}=1 shows where)"
        errors.print(Text(f"Error: {escaped(line)}", "red"), soft_wrap=True)
        raise SystemExit(1) from None


def _warnings_once():
    """Returns a function that prints a warning as a line, each text once."""
    shown = set()

    def show(message, *_, **__):
        text = str(message)
        if text not in shown:
            shown.add(text)
            line = Text(f"Warning: {escaped(text)}", "yellow")
            errors.print(line, soft_wrap=True)

    return show
