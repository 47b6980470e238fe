"""`fsl-keras compare`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import HEADS, Alpha, known_heads, pretrained
from fsl_keras.cli.output import AsCsv, AsJson, Output, working
from fsl_keras.typing import Model


def compare(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder with a folder for each class.")
    ],
    backbone: Annotated[
        list[str] | None,
        typer.Option(
            help="A network of keras.applications; may be repeated. Default: "
            "mobilenet_v2."
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Weights file of each backbone without its top, in their order. "
            "Default: download those of ImageNet."
        ),
    ] = None,
    alpha: Alpha = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            callback=known_heads,
            help=f"A head; may be repeated: {', '.join(HEADS)}. Default: all that "
            "need no base classes.",
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare backbones and heads on a folder of images by cross-validation."""
    from fsl_keras.datasets import ClassDataset
    from fsl_keras.model_selection import cross_validate, recommended
    from fsl_keras.models import TransferLearner

    out = Output(as_json, as_csv)
    names = backbone or ["mobilenet_v2"]
    heads = head or _heads_without_base()
    files = weights or ["imagenet"] * len(names)
    if len(files) != len(names):
        raise ValueError(
            f"There are {len(names)} backbones and {len(files)} weights: give each "
            f"--backbone its --weights, or none."
        )
    learners: dict[tuple[str, str], Model] = {}
    for name, file in zip(names, files, strict=True):
        model = pretrained(name, file, alpha)
        for each in heads:
            learners[name, each] = TransferLearner(model, each)
    # `pretrained` builds all networks for the same image size.
    height, width = next(iter(learners.values())).item_shape[:2]
    with working(f"Reading {folder}"):
        data = ClassDataset.from_directory(folder, (height, width))
    candidates = cross_validate(learners, data, verbose=1)
    best = recommended(candidates)
    candidates = sorted(candidates, key=lambda c: -c.accuracy)
    rows = [_row(candidate, best) for candidate in candidates]
    text = [_text(row) for row in rows]
    as_good = [
        " ".join(candidate.name)
        for candidate in candidates
        if candidate is not best and not candidate.is_worse_than(best)
    ]
    name, chosen = best.name
    out.table("candidates", rows, text)
    out.say(
        f"{len(best.right)} images of {len(data)} classes, each predicted by "
        f"cross-validation; near duplicates are left out together and count as one."
    )
    out.say(f"Recommended: --backbone {name} --head {chosen}")
    if as_good:
        out.say(f"Not significantly different: {', '.join(as_good)}")
    out.add(
        recommended={"backbone": name, "head": chosen},
        images=len(best.right),
        classes=len(data),
    )
    out.finish()


def _row(candidate, best):
    """Returns the figures of a candidate, without a difference for the best one."""
    difference, ci95 = candidate.minus(best)
    name, head = candidate.name
    low, high = candidate.interval
    return {
        "backbone": name,
        "head": head,
        "accuracy": candidate.accuracy,
        "low": low,
        "high": high,
        "minus_best": None if candidate is best else difference,
        "ci95": None if candidate is best else ci95,
    }


def _text(row):
    accuracy, low, high = (100 * row[name] for name in ("accuracy", "low", "high"))
    difference = ""
    if row["minus_best"] is not None:
        difference = f"{100 * row['minus_best']:+.1f} ± {100 * row['ci95']:.1f}"
    return {
        "backbone": row["backbone"],
        "head": row["head"],
        "accuracy (95%)": f"{accuracy:.1f} % ({low:.1f} to {high:.1f})",
        "minus the best": difference,
    }


def _heads_without_base():
    from fsl_keras.models import transfer

    made = {name: make() for name, make in transfer.HEADS.items()}
    return [name for name, head in made.items() if not hasattr(head, "fit_base")]
