"""`fsl-keras adapt`."""

import pathlib
from typing import Annotated, Literal

import typer

from fsl_keras.cli.fine_tuning import (
    Epochs,
    FineTune,
    Unfreeze,
    fine_tune_on,
    first_trained,
)
from fsl_keras.cli.items import (
    LabelColumn,
    TextColumn,
    check_options,
    dataset,
    kind_of,
    labeled,
    read_descriptions,
    read_negatives,
)
from fsl_keras.cli.options import (
    HASHED,
    Alpha,
    Backbone,
    Encoder,
    HeadName,
    Import,
    Pooling,
    Prefix,
    Views,
    Weights,
    default_head,
    encoder_of,
    fraction,
    on_views,
    one_of,
    pretrained,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output
from fsl_keras.cli.self_estimate import print_self_estimate
from fsl_keras.cli.stored import import_modules, load_learner
from fsl_keras.files.outputs import KERAS, check_writable
from fsl_keras.typing import Model

FINE_TUNED = (
    "The network was trained on these {}s, so this estimate is too high: evaluate the "
    "classifier on other ones."
)
DEFAULT_LEARNER = pathlib.Path("runs/glyphs/learner.keras")


def adapt(
    ctx: typer.Context,
    examples: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A folder with a folder of images for each class; or a table (.csv, "
            ".tsv, .jsonl) with a column of sentences (text, sentence, ...) or of "
            "image files (image, path, file, ...), and one of labels (label, class, "
            "intent, ...)."
        ),
    ],
    learner: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A trained learner, a .keras file. Default for images: "
            "runs/glyphs/learner.keras, which `fsl-keras train` writes."
        ),
    ] = None,
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    views: Views = False,
    encoder: Encoder = None,
    pooling: Pooling = "mean",
    prefix: Prefix = "",
    head: Annotated[
        HeadName | None,
        typer.Option(
            help="Head on a backbone or an encoder. Default: auto for images, which "
            "chooses by cross-validation; ridge for sentences with --encoder hashed, "
            "else logistic."
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    descriptions: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A table of labels and descriptions of classes, each of which is "
            "learned as a further sentence; also of classes without sentences."
        ),
    ] = None,
    fine_tune: FineTune = False,
    unfreeze: Unfreeze = None,
    epochs: Epochs = None,
    base: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder or table of other classes with many examples each, for the "
            "statistics of the heads simple_shot, whitened and whitened_ridge."
        ),
    ] = None,
    output: Annotated[
        pathlib.Path, typer.Option(help="The classifier to write, a .keras file.")
    ] = pathlib.Path("classifier.keras"),
    invert: Annotated[
        bool,
        typer.Option(
            help="For black ink on white paper, with a learner of white ink on black."
        ),
    ] = False,
    unknown_threshold: Annotated[
        float,
        typer.Option(
            callback=fraction,
            help='Predict "unknown" below this probability, 0 to 1.',
        ),
    ] = 0.0,
    false_reject_rate: Annotated[
        float | None,
        typer.Option(
            callback=fraction,
            help="Calibrate probabilities, and reject at most this fraction of the "
            'examples of known classes as "unknown", such as 0.05.',
        ),
    ] = None,
    negatives: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder of images of no class, or a .txt file or table of "
            "sentences of none, to count false accepts on."
        ),
    ] = None,
    resize: Annotated[
        Literal["stretch", "crop", "pad"],
        typer.Option(help="How images of another aspect ratio are resized."),
    ] = "stretch",
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Make a classifier from a few images or sentences per class."""
    from fsl_keras.heads import AutoHead
    from fsl_keras.inputs import noun_of

    out = Output(as_json, as_csv)
    one_of(learner=learner, backbone=backbone, encoder=encoder)
    if views and not backbone:
        raise ValueError("--views is for a --backbone: give both, or neither.")
    check_writable(output, KERAS)
    import_modules(modules)
    model = load_learner(learner) if learner else None
    kind = kind_of(
        examples,
        model,
        backbone=backbone,
        encoder=encoder,
        text_column=text_column,
    )
    check_options(ctx, kind, learner or examples)
    first = first_trained(fine_tune, epochs, unfreeze, backbone, encoder)
    # All files are read before a model is trained.
    items, labels = labeled(examples, kind, text_column, label_column)
    described = read_descriptions(descriptions) if descriptions else {}
    others = read_negatives(negatives, kind) if negatives else None
    if model is None and kind == "text":
        network = encoder_of(encoder or HASHED, pooling, prefix)
        model = _transfer_learner(network, head or default_head(encoder), first)
    elif model is None:
        model = image_learner(backbone, weights, alpha, head or "auto", first, views)
    if base:
        _fit_base(model, kind, base)
    preprocessing = {"invert": invert, "resize": resize}
    is_trained = first is not None and fine_tune_on(
        out, model, items, labels, epochs, **preprocessing
    )
    if base and is_trained:
        _fit_base(model, kind, base)  # on the features of the trained network
    classifier = model.adapt(
        items,
        labels,
        **preprocessing,
        unknown_threshold=unknown_threshold,
        leave_one_out=True,
        false_reject_rate=false_reject_rate,
        negatives=others,
        descriptions=described,
        verbose=1,
    )
    classifier.save(output)
    if isinstance(getattr(classifier.learner, "head", None), AutoHead):
        chosen = classifier.learner.head.explain(classifier.state)
        out.say(f"Head: {chosen}")
        out.add(head=chosen)
    count = len(classifier.examples())
    print_self_estimate(out, classifier.leave_one_out, items, kind)
    if is_trained:
        out.say(FINE_TUNED.format(noun_of(kind)))
    if classifier.calibration:
        out.say(str(classifier.calibration))
    ways = len(classifier.class_names)
    more = f" and {len(described)} descriptions" if described else ""
    out.say(
        f"Learned {ways} classes from {count} different {noun_of(kind)}s{more}: "
        f"{output}"
    )
    out.add(classifier=output, examples=count, calibration=classifier.calibration)
    out.finish()


def image_learner(
    backbone: str | None,
    weights: str,
    alpha: float | None,
    head: str,
    unfreeze: str | None = None,
    views: bool = False,
) -> Model:
    """Returns the learner of the options for images; by default that of `train`."""
    if not (backbone or DEFAULT_LEARNER.exists()):
        raise ValueError(
            f"Give a --backbone, such as mobilenet_v2, or a --learner. The default "
            f"learner, {DEFAULT_LEARNER}, does not exist; `fsl-keras train` writes it."
        )
    if not backbone:
        return load_learner(DEFAULT_LEARNER)
    network = pretrained(backbone, weights, alpha)
    return _transfer_learner(on_views(network) if views else network, head, unfreeze)


def _transfer_learner(backbone, head, unfreeze):
    from fsl_keras.models import TransferLearner

    return TransferLearner(backbone, head, unfreeze)


def _fit_base(learner, kind, path):
    if not learner.has_base_statistics:
        name = type(getattr(learner, "head", learner)).__name__
        raise ValueError(
            f"{name} has no statistics of base classes, which --base computes. Use "
            f"--head simple_shot, whitened or whitened_ridge."
        )
    learner.fit_base(dataset(path, kind, learner.item_shape[:2]))
