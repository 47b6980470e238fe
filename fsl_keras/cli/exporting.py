"""`fsl-keras export`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import check_options, kind_of
from fsl_keras.cli.options import Import
from fsl_keras.cli.output import say
from fsl_keras.cli.stored import import_modules, load_classifier
from fsl_keras.files.outputs import EXPORTED, check_writable


def export(
    ctx: typer.Context,
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    output: Annotated[
        pathlib.Path,
        typer.Argument(help="The folder to write, or the .tflite or .onnx file."),
    ],
    format: Annotated[
        str,
        typer.Option(
            help="tf_saved_model needs TensorFlow alone, litert is for phones, onnx "
            "for other runtimes, web is a page for browsers."
        ),
    ] = "tf_saved_model",
    image_size: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="HEIGHT WIDTH",
            help="Size in pixels of the images that a litert or onnx file takes. "
            "Default: that of the learner.",
        ),
    ] = None,
    runtime: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The unpacked package onnxruntime-web, which a web page will contain. "
            "Default: the page loads it from a public server.",
        ),
    ] = None,
    modules: Import = None,
) -> None:
    """Export a classifier for use without Keras and this package."""
    from fsl_keras.backbones import SentenceEncoder
    from fsl_keras.classifier.exporting import check_target

    check_target(output, format)
    check_writable(output, EXPORTED[format])
    import_modules(modules)
    model = load_classifier(classifier)
    check_options(ctx, kind_of(classifier, model), classifier)
    model.export(output, format, image_size, runtime)
    say(f"Written: {output}")
    if isinstance(getattr(model.learner, "backbone", None), SentenceEncoder):
        say("A program that loads it must `import tensorflow_text` first.")
