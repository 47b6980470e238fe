"""`fsl-keras adapt` and `fsl-keras add-class`."""

import pathlib
from typing import Annotated, Literal

import typer

from fsl_keras.cli.options import (
    Alpha,
    Backbone,
    HeadName,
    Import,
    Weights,
    fraction,
    pretrained,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output, say
from fsl_keras.cli.self_estimate import print_self_estimate
from fsl_keras.cli.stored import import_modules, load_classifier, load_learner
from fsl_keras.files.outputs import KERAS, check_writable

DEFAULT_LEARNER = pathlib.Path("runs/glyphs/learner.keras")


def adapt(
    examples: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A folder with a folder of images for each class, or a CSV file "
            "with a column of files (image, path or file) and one of labels (label or "
            "class)."
        ),
    ],
    learner: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A trained learner, a .keras file. Default: "
            "runs/glyphs/learner.keras, which `fsl-keras train` writes."
        ),
    ] = None,
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    head: Annotated[HeadName, typer.Option(help="Head on a backbone.")] = "cosine",
    base: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder of other classes with many images each, for the statistics "
            "of the heads simple_shot and whitened."
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
            help="Calibrate probabilities, and reject at most this fraction of images "
            'of known classes as "unknown", such as 0.05.',
        ),
    ] = None,
    negatives: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder with images of no class, to count false accepts on."
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
    """Make a classifier from a folder or CSV file of a few images per class."""
    from fsl_keras.inputs import Elements

    out = Output(as_json, as_csv)
    if learner and backbone:
        raise ValueError("Give a --learner or a --backbone, not both.")
    check_writable(output, KERAS)
    import_modules(modules)
    model = _learner(learner, backbone, weights, alpha, head)
    if base:
        _fit_base(model, base)
    given = Elements.labeled(examples)
    classifier = model.adapt(
        given.images,
        given.labels,
        invert=invert,
        unknown_threshold=unknown_threshold,
        leave_one_out=True,
        false_reject_rate=false_reject_rate,
        negatives=negatives,
        resize=resize,
        verbose=1,
    )
    classifier.save(output)
    count = len(classifier.task.examples)
    print_self_estimate(out, classifier.leave_one_out, given.images)
    if classifier.calibration:
        out.say(str(classifier.calibration))
    ways = len(classifier.class_names)
    out.say(f"Learned {ways} classes from {count} different images: {output}")
    out.add(classifier=output, examples=count, calibration=classifier.calibration)
    out.finish()


def _learner(learner, backbone, weights, alpha, head):
    if not (learner or backbone or DEFAULT_LEARNER.exists()):
        raise ValueError(
            f"Give a --backbone, such as mobilenet_v2, or a --learner. The default "
            f"learner, {DEFAULT_LEARNER}, does not exist; `fsl-keras train` writes it."
        )
    if not backbone:
        return load_learner(learner or DEFAULT_LEARNER)
    from fsl_keras.models import TransferLearner

    return TransferLearner(pretrained(backbone, weights, alpha), head)


def _fit_base(learner, folder):
    from fsl_keras.datasets import ClassDataset

    if not learner.has_base_statistics:
        kind = type(getattr(learner, "head", learner)).__name__
        raise ValueError(
            f"{kind} has no statistics of base classes, which --base computes. Use "
            f"--head simple_shot or --head whitened."
        )
    learner.fit_base(ClassDataset.from_directory(folder, learner.item_shape[:2]))
