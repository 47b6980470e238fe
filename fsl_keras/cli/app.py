"""The command itself: what all its parts hang on, and how an error is told."""

import warnings

import tensorflow as tf
import typer

from fsl_keras.cli.output import errors

app = typer.Typer(
    help="Few-shot learning: train on episodes, adapt to a few examples, predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main():
    """Runs the command line; an error is one line and a non-zero exit."""
    told = set()

    def show(message, *_, **__):
        # A folder that is read twice has the same to say.
        if str(message) not in told:
            told.add(str(message))
            line = f"Warning: {message}"
            errors.print(line, style="yellow", highlight=False, markup=False)

    warnings.showwarning = show
    try:
        app()
    # Of imports only those of optional packages happen as late as this.
    except (ValueError, OSError, ImportError, tf.errors.OpError) as error:
        line = " ".join(str(error).split())
        errors.print(f"Error: {line}", style="red", highlight=False, markup=False)
        raise SystemExit(1) from None
