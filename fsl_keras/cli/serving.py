"""`fsl-keras app`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import (
    Alpha,
    Backbone,
    Encoder,
    HeadName,
    Import,
    Pooling,
    Prefix,
    Weights,
    default_head,
    encoder_of,
    one_of,
    pretrained,
)
from fsl_keras.cli.output import say
from fsl_keras.cli.stored import import_modules, load_classifier, load_learner


def app(
    classifier: Annotated[
        pathlib.Path | None,
        typer.Argument(help="A classifier to begin with, a .keras file."),
    ] = None,
    learner: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A learner that is offered first: the name of a preset, or a .keras "
            "file."
        ),
    ] = None,
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    encoder: Encoder = None,
    pooling: Pooling = "mean",
    prefix: Prefix = "",
    head: Annotated[
        HeadName | None,
        typer.Option(
            help="Head on a backbone or an encoder. Default: cosine for pictures, "
            "ridge for texts with --encoder hashed, else logistic."
        ),
    ] = None,
    invert: Annotated[
        bool,
        typer.Option(
            help="For black ink on white paper, with a learner of white ink on black."
        ),
    ] = False,
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on. By default, no other machine reaches it."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    modules: Import = None,
) -> None:
    """Teach a classifier on a page in the browser, with a camera, pictures or texts."""
    from fsl_keras.app import Learners
    from fsl_keras.app.serving import check_free, is_local, serve

    one_of(learner=learner, backbone=backbone, encoder=encoder)
    check_free(host, port)
    import_modules(modules)
    own = {}
    if backbone:
        own[backbone] = lambda: _transfer(
            pretrained(backbone, weights, alpha), head or "cosine"
        )
    elif encoder:
        own[pathlib.Path(encoder).name] = lambda: _transfer(
            encoder_of(encoder, pooling, prefix), head or default_head(encoder)
        )
    elif learner:
        own[learner.stem] = lambda: load_learner(learner)
    model = load_classifier(classifier) if classifier else None
    if not is_local(host):
        say(
            f"Warning: every machine that reaches {host} can use the page, without a "
            f"password, and load files into this program.",
            stderr=True,
        )
    serve(
        Learners(own, invert),
        model,
        f"that of {classifier.name}" if classifier else "",
        host,
        port,
        lambda: say(f"http://{host}:{port} (stop with Ctrl+C)"),
    )


def _transfer(backbone, head):
    from fsl_keras.models import TransferLearner

    return TransferLearner(backbone, head)
