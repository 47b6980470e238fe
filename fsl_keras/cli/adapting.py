"""`fsl-keras adapt` and `fsl-keras add-class`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import (
    HEADS,
    Alpha,
    Backbone,
    Import,
    Weights,
    fraction,
    pretrained,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output, say
from fsl_keras.cli.self_estimate import print_self_estimate
from fsl_keras.cli.stored import import_modules, load_classifier, load_learner
from fsl_keras.cli.targets import check_file

DEFAULT_LEARNER = pathlib.Path("runs/glyphs/learner.keras")


def adapt(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder that holds a folder a class.")
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
    head: Annotated[
        str, typer.Option(help=f"Head on a backbone: {', '.join(HEADS)}.")
    ] = "cosine",
    base: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder of other classes, many images of each, by which the heads "
            "simple_shot and whitened compare better."
        ),
    ] = None,
    output: Annotated[
        pathlib.Path, typer.Option(help="The classifier to write, a .keras file.")
    ] = pathlib.Path("classifier.keras"),
    invert: Annotated[
        bool,
        typer.Option(
            help="For dark ink on white paper, with a learner of ink on black."
        ),
    ] = False,
    unknown_threshold: Annotated[
        float,
        typer.Option(
            callback=fraction,
            help='Answer "unknown" below this probability, 0 to 1.',
        ),
    ] = 0.0,
    false_reject_rate: Annotated[
        float | None,
        typer.Option(
            callback=fraction,
            help='Calibrate probabilities, and answer "unknown" for at most this '
            "share of images of known classes, such as 0.05.",
        ),
    ] = None,
    negatives: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder with images of no class, to count false accepts by."
        ),
    ] = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
):
    """Make a classifier of the classes in a folder of images."""
    from fsl_keras.datasets.folders import class_files, picture_files

    out = Output(as_json, as_csv)
    if learner and backbone:
        raise ValueError("Name a --learner or a --backbone, not both.")
    check_file(output, ".keras")
    import_modules(modules)
    model = _learner(learner, backbone, weights, alpha, head)
    if base:
        _fit_base(model, base)
    files = picture_files(folder)
    paths = [path for found in files.values() for path in found]
    classifier = model.adapt(
        paths,
        [name for name, found in files.items() for _ in found],
        invert=invert,
        unknown_threshold=unknown_threshold,
        leave_one_out=True,
        false_reject_rate=false_reject_rate,
        negatives=negatives and class_files(negatives),
        verbose=1,
    )
    classifier.save(output)
    count = len(classifier.task.examples)
    print_self_estimate(out, classifier.leave_one_out, paths)
    if classifier.calibration:
        out.say(str(classifier.calibration))
    out.say(f"Learned {len(files)} classes from {count} different images: {output}")
    out.add(classifier=output, examples=count, calibration=classifier.calibration)
    out.finish()


def add_class(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder with images of the new class.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the class. Default: the folder's.")
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="The classifier to write. Default: the same file."),
    ] = None,
    modules: Import = None,
):
    """Teach a classifier one more class, with no training."""
    from fsl_keras.datasets.folders import class_files

    output = output or classifier
    check_file(output, ".keras")
    import_modules(modules)
    model = load_classifier(classifier)
    model.add_class(name or folder.resolve().name, class_files(folder))
    model.save(output)
    say(f"It knows {len(model.class_names)} classes: {output}")


def _learner(learner, backbone, weights, alpha, head):
    if not backbone:
        return load_learner(learner or DEFAULT_LEARNER)
    from fsl_keras.models import TransferLearner

    return TransferLearner(pretrained(backbone, weights, alpha), head)


def _fit_base(learner, folder):
    from fsl_keras.datasets import ClassDataset

    if not hasattr(learner, "fit_base"):
        raise ValueError("--base goes with a --backbone.")
    learner.fit_base(ClassDataset.from_directory(folder, learner.item_shape[:2]))
