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
    images: Annotated[
        list[pathlib.Path],
        typer.Argument(
            help="Image files, folders of them, or CSV files that list them."
        ),
    ],
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Print this number of most probable classes."),
    ] = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Predict the class of images.

    Files that cannot be read are skipped, with a warning, and the exit status is 1.
    """
    from fsl_keras.datasets.folders import warn_of_skipped
    from fsl_keras.inputs import image_files

    out = Output(as_json, as_csv)
    import_modules(modules)
    model = load_classifier(classifier)
    files = image_files(images)
    with working(f"Reading {len(files)} images"):
        found, skipped = model.predict_files(files)
    warn_of_skipped(skipped, len(found) + len(skipped))
    rows = [_values(path, answer, top) for path, answer in found]
    text = [cells for path, answer in found for cells in _cells(path, answer, top)]
    out.table("predictions", rows, text)
    out.add(skipped=[{"file": str(f), "reason": reason} for f, reason in skipped])
    out.finish()
    if not rows:
        raise ValueError("No image could be read.")
    if skipped:
        raise typer.Exit(1)


def _values(path, prediction, top):
    """Returns a prediction as a row of JSON and CSV."""
    values = {"file": str(path), **prediction._asdict()}
    if top is not None:
        values["top"] = [
            {"class_name": name, "probability": probability}
            for name, probability in prediction.top(top)
        ]
    return values


def _cells(path, prediction, top):
    """Returns the rows of a table for one prediction, one for each of the `top`."""
    if top is None:
        name, probability = prediction.class_name, prediction.probability
        return [{"file": str(path), "class": name, "probability": f"{probability:.3f}"}]
    return [
        {
            "file": str(path),
            "predicted": prediction.class_name,
            "class": name,
            "probability": f"{probability:.3f}",
        }
        for name, probability in prediction.top(top)
    ]
