"""`fsl-keras learn`."""

import contextlib
import pathlib
import sys
from typing import Annotated

import typer

from fsl_keras.cli.options import (
    Backbone,
    HeadName,
    Import,
    Weights,
    one_of,
    pretrained,
)
from fsl_keras.cli.output import AsCsv, AsJson, Output
from fsl_keras.cli.stored import import_modules, load_learner
from fsl_keras.files.locks import locked
from fsl_keras.files.outputs import LEARNER, check_writable


def learn(
    examples: Annotated[
        pathlib.Path,
        typer.Argument(help="A folder with a folder of images for each class."),
    ],
    folder: Annotated[
        pathlib.Path,
        typer.Option(help="Where the learner is kept; if it is there, it goes on."),
    ],
    learner: Annotated[
        str | None,
        typer.Option(help="To begin: a preset, or the learner.keras of a run."),
    ] = None,
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    head: HeadName = None,
    unlabeled: Annotated[
        pathlib.Path | None,
        typer.Option(help="A folder of images to pretrain on, without labels."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="The steps of pretraining.")] = 1000,
    test: Annotated[
        pathlib.Path | None,
        typer.Option(help="A folder like EXAMPLES, to test on afterwards."),
    ] = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Learn classes from a few images each, and go on with more of them later.

    The first call makes a learner. Each later one adds its examples, of classes that
    are known and of new ones, without the earlier images.
    """
    out = Output(as_json, as_csv)
    check_writable(folder, LEARNER)
    import_modules(modules)
    one_of(learner=learner, backbone=backbone)
    with locked(folder):
        model = _learned(
            examples, folder, learner, backbone, weights, head, unlabeled, steps
        )
        model.save(folder)
    known = model.history[-1]
    out.say(
        f"Knows {len(known['classes'])} classes from {known['examples']} different "
        f"images: {folder}"
    )
    out.add(learner=folder, classes=known["classes"], examples=known["examples"])
    if test:
        report = model.evaluate(test)
        for line in str(report).splitlines():
            out.say(line)
        out.add(accuracy=report.accuracy)
    out.finish()


def _learned(examples, folder, learner, backbone, weights, head, unlabeled, steps):
    """Returns a `FewShotLearner`, new or of the folder, that knows the examples."""
    from fsl_keras.learner import FewShotLearner

    if folder.exists():
        if learner or backbone or unlabeled:
            raise ValueError(
                f"{folder} has a learner already, which goes on: leave out --learner, "
                f"--backbone and --unlabeled, or choose another --folder."
            )
        model = FewShotLearner.load(folder)
        model.continual_update(examples)
    else:
        model = _new(learner, backbone, weights, head)
        if unlabeled:
            # Standard output is for the results.
            with contextlib.redirect_stdout(sys.stderr):
                verbose = 1 if sys.stderr.isatty() else 2
                model.pretrain(unlabeled, steps=steps, verbose=verbose)
        model.learn_from_few_examples(examples)
    return model


def _new(learner, backbone, weights, head):
    """Returns a new `FewShotLearner`."""
    from fsl_keras.learner import FewShotLearner
    from fsl_keras.models import TransferLearner
    from fsl_keras.training.augmentation import augmentation

    if learner and not learner.endswith(".keras"):
        made = FewShotLearner(learner)
    elif learner:
        loaded = load_learner(pathlib.Path(learner))
        made = FewShotLearner(loaded.backbone, lambda _: loaded)
    elif backbone:
        network = pretrained(backbone, weights, None)
        made = FewShotLearner(
            network, lambda network: TransferLearner(network, head or "lda")
        )
    else:
        raise ValueError(
            "Give a --learner, such as prototypical_conv4_glyphs (`fsl-keras presets` "
            "lists more), or a --backbone, such as mobilenet_v2."
        )
    made.augmentation = augmentation(made.learner.item_shape)
    return made
