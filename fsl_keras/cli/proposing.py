"""`fsl-keras propose`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    KEYS,
    TextColumn,
    check_options,
    image_files,
    kind_of,
    read_texts,
    warn_of_bad,
)
from fsl_keras.cli.options import Import
from fsl_keras.cli.output import AsCsv, AsJson, Output, working
from fsl_keras.cli.stored import import_modules, load_classifier


def propose(
    ctx: typer.Context,
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    items: Annotated[
        list[pathlib.Path],
        typer.Argument(
            help="Image files, folders of them, or tables that list them; or .txt "
            "files with a sentence in each line, or tables of sentences."
        ),
    ],
    budget: Annotated[int, typer.Option(min=1, help="How many items to propose.")] = 10,
    strategy: Annotated[
        str,
        typer.Option(
            help="coverage (represents many items), margin (two probable classes), "
            "entropy (many), diversity (far from all examples), or mixed (diverse "
            "among those of small margin)."
        ),
    ] = "coverage",
    text_column: TextColumn = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Propose which unlabeled images or sentences to label next."""
    from fsl_keras import active
    from fsl_keras.inputs import shortened

    out = Output(as_json, as_csv)
    import_modules(modules)
    model = load_classifier(classifier)
    kind = kind_of(classifier, model)
    check_options(ctx, kind, classifier)
    unlabeled: list
    if kind == "text":
        unlabeled, skipped = read_texts(items, (), text_column)
        warn_of_bad(unlabeled, skipped)
    else:
        unlabeled = image_files(items)
    with working(f"Reading {len(unlabeled)} {kind}s"):
        found = active.propose(model, unlabeled, budget, strategy)
    rows, text_rows = [], []
    for proposal in found:
        item = str(unlabeled[proposal.index])
        rows.append(
            {
                KEYS[kind]: item,
                "class_name": proposal.class_name,
                "probability": proposal.probability,
            }
        )
        text_rows.append(
            {
                KEYS[kind]: shortened(item) if kind == "text" else item,
                "predicted": proposal.class_name,
                "probability": f"{proposal.probability:.3f}",
            }
        )
    out.table("proposals", rows, text_rows)
    out.finish()
