"""`fsl-keras predict`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    KEYS,
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
from fsl_keras.cli.output import AsCsv, AsJson, Output, working
from fsl_keras.cli.stored import import_modules, load_classifier


def predict(
    ctx: typer.Context,
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    items: Annotated[
        list[pathlib.Path] | None,
        typer.Argument(
            help="Image files, folders of them, or tables that list them; or .txt "
            "files with a sentence in each line, or tables of sentences."
        ),
    ] = None,
    text: Texts = None,
    file: Annotated[
        list[pathlib.Path] | None,
        typer.Option(help="A file, as an argument is; may be repeated."),
    ] = None,
    text_column: TextColumn = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Print this number of most probable classes."),
    ] = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Predict the class of images or sentences.

    Files, lines and rows that cannot be read are skipped, with a warning, and the exit
    status is 1.
    """
    from fsl_keras.datasets.folders import warn_of_skipped

    out = Output(as_json, as_csv)
    paths = given_items(ctx, [*(items or ()), *(file or ())], text)
    import_modules(modules)
    model = load_classifier(classifier)
    kind = kind_of(classifier, model)
    check_options(ctx, kind, classifier)
    if kind == "text":
        texts, skipped = read_texts(paths, text or (), text_column)
        warn_of_bad(texts, skipped)
        with working(f"Reading {len(texts)} sentences"):
            found = list(zip(texts, model.predict_classes(texts), strict=True))
    else:
        files = image_files(paths)
        with working(f"Reading {len(files)} images"):
            found, skipped = model.predict_files(files)
        warn_of_skipped(skipped, len(found) + len(skipped))
    rows = [_values(KEYS[kind], *pair, top) for pair in found]
    text_rows = [cells for pair in found for cells in _cells(KEYS[kind], *pair, top)]
    out.table("predictions", rows, text_rows)
    place = "place" if kind == "text" else "file"
    out.add(skipped=[{place: str(name), "reason": reason} for name, reason in skipped])
    out.finish()
    if not rows:
        noun = "sentence" if kind == "text" else "image"
        raise ValueError(f"No {noun} could be read.")
    if skipped:
        raise typer.Exit(1)


def _values(key, item, prediction, top):
    """Returns a prediction as a row of JSON and CSV."""
    values = {key: str(item), **prediction._asdict()}
    if top is not None:
        values["top"] = [
            {"class_name": name, "probability": probability}
            for name, probability in prediction.top(top)
        ]
    return values


def _cells(key, item, prediction, top):
    """Returns the rows of a table for one prediction, one for each of the `top`."""
    from fsl_keras.inputs import shortened

    shown = {key: shortened(item) if key == "text" else str(item)}
    if top is None:
        name, probability = prediction.class_name, prediction.probability
        return [{**shown, "class": name, "probability": f"{probability:.3f}"}]
    return [
        {
            **shown,
            "predicted": prediction.class_name,
            "class": name,
            "probability": f"{probability:.3f}",
        }
        for name, probability in prediction.top(top)
    ]
