"""`fsl-keras compare`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    LabelColumn,
    TextColumn,
    check_options,
    dataset,
    kind_of,
    labeled,
)
from fsl_keras.cli.options import (
    HASHED,
    HEADS,
    Alpha,
    encoder_of,
    known_heads,
    on_views,
    one_of,
    pretrained,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output, working
from fsl_keras.files.outputs import KERAS, check_writable
from fsl_keras.typing import Model

# The option that names a network for items of a kind.
NETWORKS = {"image": "backbone", "text": "encoder"}


def compare(
    ctx: typer.Context,
    examples: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A folder with a folder of images for each class, or a table of "
            "sentences or images and their labels."
        ),
    ],
    backbone: Annotated[
        list[str] | None,
        typer.Option(
            help="A network of keras.applications; may be repeated. Default for "
            "images: mobilenet_v2."
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
    views: Annotated[
        bool,
        typer.Option(
            "--views",
            help="Compare each backbone on four views of each image too, which take "
            "four times as long.",
        ),
    ] = False,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            help="What embeds sentences, as in `fsl-keras adapt`; may be repeated. "
            "Default for sentences: hashed."
        ),
    ] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            callback=known_heads,
            help=f"A head; may be repeated: {', '.join(HEADS)}. Default: all that "
            "need no base classes, but those of many examples (lda, streaming_ridge), "
            "and auto, which compares some itself.",
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="Write the classifier of the best candidate, a .keras file."),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare networks and heads on labeled images or sentences by cross-validation."""
    from fsl_keras.inputs import noun_of
    from fsl_keras.model_selection import cross_validate, recommended
    from fsl_keras.models import TransferLearner

    out = Output(as_json, as_csv)
    one_of(backbone=backbone, encoder=encoder)
    if output:
        check_writable(output, KERAS)
    kind = kind_of(
        examples, backbone=backbone, encoder=encoder, text_column=text_column
    )
    check_options(ctx, kind, examples)
    if kind == "text":
        networks = {name: encoder_of(name) for name in encoder or [HASHED]}
    else:
        networks = _backbones(backbone or ["mobilenet_v2"], weights, alpha)
    if views:
        # The name is what to pass to `adapt`.
        more = {f"{name} --views": on_views(each) for name, each in networks.items()}
        networks |= more
    learners: dict[tuple[str, str], Model] = {
        (name, each): TransferLearner(network, each)
        for name, network in networks.items()
        for each in head or _heads_by_default()
    }
    # `pretrained` builds all networks for the same image size.
    size = next(iter(learners.values())).item_shape[:2]
    with working(f"Reading {examples}"):
        data = dataset(examples, kind, size, text_column, label_column)
    candidates = cross_validate(learners, data, verbose=1)
    best = recommended(candidates)
    candidates = sorted(candidates, key=lambda c: -c.accuracy)
    network, noun = NETWORKS[kind], noun_of(kind)
    rows = [_row(network, candidate, best) for candidate in candidates]
    text = [_text(network, row) for row in rows]
    as_good = [
        " ".join(candidate.name)
        for candidate in candidates
        if candidate is not best and not candidate.is_worse_than(best)
    ]
    name, chosen = best.name
    out.table("candidates", rows, text)
    out.say(
        f"{len(best.right)} {noun}s of {len(data)} classes, each predicted by "
        f"cross-validation; near duplicates are left out together and count as one."
    )
    out.say(f"Recommended: --{network} {name} --head {chosen}")
    if as_good:
        out.say(f"Not significantly different: {', '.join(as_good)}")
    out.add(
        recommended={network: name, "head": chosen},
        classes=len(data),
        **{f"{noun}s": len(best.right)},
    )
    if output:
        items, labels = labeled(examples, kind, text_column, label_column)
        learners[best.name].adapt(items, labels).save(output)
        out.say(f"Written: {output}")
        out.add(classifier=output)
    out.finish()


def _backbones(names, weights, alpha):
    """Returns a dictionary of the networks of images."""
    files = weights or ["imagenet"] * len(names)
    if len(files) != len(names):
        raise ValueError(
            f"There are {len(names)} backbones and {len(files)} weights: give each "
            f"--backbone its --weights, or none."
        )
    return {
        name: pretrained(name, file, alpha)
        for name, file in zip(names, files, strict=True)
    }


def _row(network, candidate, best):
    """Returns the figures of a candidate, without a difference for the best one."""
    difference, ci95 = candidate.minus(best)
    name, head = candidate.name
    low, high = candidate.interval
    return {
        network: name,
        "head": head,
        "accuracy": candidate.accuracy,
        "low": low,
        "high": high,
        "minus_best": None if candidate is best else difference,
        "ci95": None if candidate is best else ci95,
    }


def _text(network, row):
    accuracy, low, high = (100 * row[name] for name in ("accuracy", "low", "high"))
    difference = ""
    if row["minus_best"] is not None:
        difference = f"{100 * row['minus_best']:+.1f} ± {100 * row['ci95']:.1f}"
    return {
        network: row[network],
        "head": row["head"],
        "accuracy (95%)": f"{accuracy:.1f} % ({low:.1f} to {high:.1f})",
        "minus the best": difference,
    }


def _heads_by_default():
    from fsl_keras.models import transfer

    made = {name: make() for name, make in transfer.HEADS.items()}
    return [
        name
        for name, head in made.items()
        # `simple_shot` and `whitened` are `cosine` without base classes.
        if head.forgets_classes and name not in ("auto", "simple_shot", "whitened")
    ]
