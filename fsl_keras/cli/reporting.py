"""`fsl-keras report`."""

import pathlib
from typing import Annotated, Literal

import typer

from fsl_keras.cli.adapting import image_learner
from fsl_keras.cli.options import (
    Alpha,
    Backbone,
    HeadName,
    Import,
    Weights,
    fraction,
    one_of,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output
from fsl_keras.cli.stored import import_modules, load_learner, load_model


def report(
    model: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A classifier, the .keras file that `fsl-keras adapt` writes; or a "
            "folder that holds a folder of images for each class, or a table of "
            "images and labels, to which a learner is adapted."
        ),
    ],
    test: Annotated[
        pathlib.Path | None,
        typer.Option(help="A folder of other images, also of unknown classes."),
    ] = None,
    examples: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a classifier: the folder of its examples, if their files are not "
            "where they were."
        ),
    ] = None,
    output: Annotated[
        pathlib.Path,
        typer.Option(help="The page to write. A table of all scores lies beside it."),
    ] = pathlib.Path("report.html"),
    learner: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a folder: a trained learner, a .keras file. Default: "
            "runs/glyphs/learner.keras, which `fsl-keras train` writes."
        ),
    ] = None,
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    head: Annotated[
        HeadName | None, typer.Option(help="Head on a backbone. Default: cosine.")
    ] = None,
    invert: Annotated[
        bool,
        typer.Option(
            help="For black ink on white paper, with a learner of white ink on black."
        ),
    ] = False,
    resize: Annotated[
        Literal["stretch", "crop", "pad"],
        typer.Option(help="How images of another aspect ratio are resized."),
    ] = "stretch",
    false_reject_rate: Annotated[
        float,
        typer.Option(
            callback=fraction,
            help="For a folder: the fraction of images of known classes that may be "
            'rejected as "unknown".',
        ),
    ] = 0.05,
    projection: Annotated[
        Literal["pca", "umap"],
        typer.Option(help="The map of embeddings. umap needs the package umap-learn."),
    ] = "pca",
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Write a page about a classifier and its images, with what to check in them."""
    from fsl_keras import reports
    from fsl_keras.datasets.tables import is_table_file
    from fsl_keras.reports.writing import table_beside

    out = Output(as_json, as_csv)
    one_of(learner=learner, backbone=backbone)
    import_modules(modules)
    if model.is_dir() or is_table_file(model):
        if examples is not None:
            raise ValueError(f"{model} holds examples already: leave --examples out.")
        examples = model
        used = (
            load_learner(learner)
            if learner
            else image_learner(backbone, weights, alpha, head or "cosine")
        )
    else:
        given = {"learner": learner, "backbone": backbone, "head": head}
        for name in (name for name, value in given.items() if value):
            raise ValueError(
                f"--{name} is for a folder of examples, and {model} is none: leave it "
                f"out."
            )
        used = load_model(model)
    found = reports.write(
        used,
        output,
        examples,
        test,
        title=f"Report of {model.resolve().name}",
        invert=invert,
        resize=resize,
        false_reject_rate=false_reject_rate,
        projection=projection,
        verbose=1,
    )
    scores = found.scores(of_test=found.has_test)
    if scores is not None:
        header, *rows = scores.table()
        out.table(
            "classes",
            [{"class_name": n, **s._asdict()} for n, s in scores.scores.items()],
            [dict(zip(header, row, strict=True)) for row in rows],
        )
    for line in found.summary():
        out.say(line)
    megabytes = output.stat().st_size / 1e6
    table = table_beside(output)
    out.say(f"Wrote {output} ({megabytes:.1f} MB) and {table}")
    out.add(
        page=output,
        table=table,
        summary=found.summary(),
        skipped=[{"file": name, "reason": why} for name, why in found.pictures.skipped],
    )
    out.finish()
