"""`fsl-keras compare`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.app import app
from fsl_keras.cli.options import Alpha, pretrained
from fsl_keras.cli.output import console, print_table, say, working
from fsl_keras.comparison import cross_validate
from fsl_keras.datasets import ClassDataset
from fsl_keras.models import TransferLearner
from fsl_keras.models.transfer import HEADS


@app.command()
def compare(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder that holds a folder a class.")
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
            help=f"A head; may be repeated: {', '.join(HEADS)}. Default: all that "
            "need no base classes."
        ),
    ] = None,
):
    """Compare backbones and heads on a folder of pictures by cross-validation."""
    names = backbone or ["mobilenet_v2"]
    heads = head or [h for h, make in HEADS.items() if not hasattr(make(), "fit_base")]
    files = weights or ["imagenet"] * len(names)
    if len(files) != len(names):
        raise ValueError(
            f"There are {len(names)} backbones and {len(files)} weights: give each "
            f"--backbone its --weights, or none."
        )
    learners, sizes = {}, {}
    for name, file in zip(names, files, strict=True):
        model = pretrained(name, file, alpha)
        for each in heads:
            learners[name, each] = TransferLearner(model, each)
        sizes[name] = model.count_params()
    with working(f"Reading {folder}"):
        data = ClassDataset.from_directory(folder, model.input_shape[1:3])
    candidates = cross_validate(learners, data, verbose=console.is_terminal)
    # The first of equals has the smaller network and the simpler head.
    best = max(
        candidates,
        key=lambda c: (c.accuracy, -sizes[c.name[0]], -heads.index(c.name[1])),
    )
    rows, as_good = [], []
    for candidate in sorted(candidates, key=lambda c: -c.accuracy):
        low, high = (100 * bound for bound in candidate.interval)
        difference, spread = (100 * value for value in candidate.minus(best))
        if candidate is not best and difference + spread >= 0:
            as_good.append(" ".join(candidate.name))
        rows.append(
            (
                *candidate.name,
                f"{100 * candidate.accuracy:.1f} % ({low:.1f} to {high:.1f})",
                "" if candidate is best else f"{difference:+.1f} ± {spread:.1f}",
            )
        )
    print_table(["backbone", "head", "accuracy (95%)", "minus the best"], rows)
    say(
        f"{len(best.right)} pictures of {len(data)} classes, each asked about after "
        f"learning others; near copies are left out together and count as one."
    )
    name, chosen = best.name
    say(f"Recommended: --backbone {name} --head {chosen}")
    if as_good:
        say(f"These pictures do not tell it from: {', '.join(as_good)}")
