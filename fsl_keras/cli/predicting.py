"""`fsl-keras predict`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import Import
from fsl_keras.cli.output import AsCsv, AsJson, Output, working
from fsl_keras.cli.stored import import_modules, load_classifier


def predict(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    images: Annotated[list[pathlib.Path], typer.Argument(help="Image files.")],
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
):
    """Name the class of images.

    The exit status is 1 where files are skipped, which are named, with the reason.
    """
    from fsl_keras.datasets.folders import warn_of_skipped

    out = Output(as_json, as_csv)
    import_modules(modules)
    model = load_classifier(classifier)
    with working(f"Reading {len(images)} images"):
        found, skipped = model.predict_files(images)
    warn_of_skipped(skipped, len(found) + len(skipped))
    rows = [{"file": str(path), **answer._asdict()} for path, answer in found]
    text = [
        {
            "file": row["file"],
            "class": row["class_name"],
            "probability": f"{row['probability']:.3f}",
        }
        for row in rows
    ]
    out.table("predictions", rows, text)
    out.add(skipped=[{"file": str(f), "reason": reason} for f, reason in skipped])
    out.finish()
    if not rows:
        raise ValueError("No image could be read.")
    if skipped:
        raise typer.Exit(1)
