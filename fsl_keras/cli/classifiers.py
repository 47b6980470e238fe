"""`fsl-keras adapt`, `add-class`, `predict` and `embed`."""

import json
import pathlib
import sys
from typing import Annotated

import numpy as np
import typer

from fsl_keras import features
from fsl_keras.cli.app import app
from fsl_keras.cli.options import Alpha, Backbone, Weights, pretrained
from fsl_keras.cli.output import console, print_table, say, working
from fsl_keras.cli.stored import load_classifier, load_learner
from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.folders import (
    class_files,
    listed,
    picture_files,
    warn_of_skipped,
)
from fsl_keras.files import replacing
from fsl_keras.models import TransferLearner
from fsl_keras.models.transfer import HEADS
from fsl_keras.outputs import NPZ

DEFAULT_LEARNER = pathlib.Path("runs/glyphs/learner.keras")

MOST_LISTED = 10


@app.command()
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
            help="A folder of other classes, many pictures of each, by which the heads "
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
        typer.Option(help='Answer "unknown" below this probability, 0 to 1.'),
    ] = 0.0,
    false_reject_rate: Annotated[
        float | None,
        typer.Option(
            help='Calibrate probabilities, and answer "unknown" for at most this '
            "share of pictures of known classes, such as 0.05."
        ),
    ] = None,
    negatives: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="A folder with pictures of no class, to count false accepts by."
        ),
    ] = None,
):
    """Make a classifier of the classes in a folder of pictures."""
    if learner and backbone:
        raise ValueError("Name a --learner or a --backbone, not both.")
    if backbone:
        model = TransferLearner(pretrained(backbone, weights, alpha), head)
    else:
        model = load_learner(learner or DEFAULT_LEARNER)
    if base:
        if not hasattr(model, "fit_base"):
            raise ValueError("--base goes with a --backbone.")
        model.fit_base(ClassDataset.from_directory(base, model.item_shape[:2]))
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
        verbose=console.is_terminal,
    )
    _print_honest_estimate(classifier.leave_one_out, paths)
    if classifier.calibration:
        say(str(classifier.calibration))
    classifier.save(output)
    count = len(classifier.task.examples)
    say(f"Learned {len(files)} classes from {count} different pictures: {output}")


@app.command("add-class")
def add_class(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder with pictures of the new class.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the class. Default: the folder's.")
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="The classifier to write. Default: the same file."),
    ] = None,
):
    """Teach a classifier one more class, with no training."""
    model = load_classifier(classifier)
    name = name or folder.resolve().name
    model.add_class(name, class_files(folder))
    model.save(output or classifier)
    say(f"It knows {len(model.class_names)} classes: {output or classifier}")


@app.command()
def embed(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder that holds a folder a class.")
    ],
    backbone: Backbone = "mobilenet_v2",
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    output: Annotated[
        pathlib.Path,
        typer.Option(
            help="NumPy file to write: features, labels, class_names and files."
        ),
    ] = pathlib.Path("features.npz"),
):
    """Compute the features of a folder of pictures, each picture once."""
    model = pretrained(backbone, weights, alpha)
    with working(f"Reading {folder}"):
        data = ClassDataset.from_directory(folder, model.input_shape[1:3])
    vectors = features.embed(data, model, verbose=console.is_terminal)
    with replacing(output, NPZ) as beside:
        np.savez(
            beside,
            features=np.concatenate([vectors.class_items(n) for n in data.class_names]),
            labels=np.repeat(np.arange(len(data)), data.class_sizes),
            class_names=data.class_names,
            files=[path for n in data.class_names for path in data.class_files(n)],
        )
    say(f"{vectors.summary()}: {output}")


@app.command()
def predict(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    images: Annotated[list[pathlib.Path], typer.Argument(help="Picture files.")],
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Print so many of the most probable classes."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
):
    """Name the class of pictures."""
    model = load_classifier(classifier)
    with working(f"Reading {len(images)} pictures"):
        found, skipped = model.predict_files(images)
    warn_of_skipped(skipped, len(images))
    rows = [(str(path), prediction) for path, prediction in found]
    if as_json:
        sys.stdout.write(
            json.dumps(
                {
                    "predictions": [_prediction_json(f, p, top) for f, p in rows],
                    "skipped": [{"file": str(f), "reason": r} for f, r in skipped],
                },
                ensure_ascii=False,
                indent=1,
            )
            + "\n"
        )
    else:
        print_table(*_predictions_table(rows, top))
    if not rows:
        raise ValueError("No picture could be read.")


def _predictions_table(rows, top):
    """Returns the columns and the rows of a table of predictions.

    With `top` there is a row for each of the most probable classes.
    """
    if top is None:
        cells = [(f, p.class_name, f"{p.probability:.3f}") for f, p in rows]
        return ["file", "class", "probability"], cells
    cells = [
        (file, prediction.class_name, name, f"{probability:.3f}")
        for file, prediction in rows
        for name, probability in prediction.top(top)
    ]
    return ["file", "predicted", "class", "probability"], cells


def _prediction_json(file, prediction, top):
    """Returns a prediction as a JSON object."""
    content = {"file": file, **prediction._asdict()}
    if top is not None:
        content["top"] = [
            {"class_name": name, "probability": probability}
            for name, probability in prediction.top(top)
        ]
    return content


def _print_honest_estimate(report, paths):
    """Prints what leaving each picture out tells of a classifier and its pictures."""
    low, high = (100 * bound for bound in report.interval)
    if report.tested.any() and len(report.class_names) > 1:
        say(
            f"{report.method} accuracy {100 * report.accuracy:.1f} % (95% interval "
            f"{low:.1f} to {high:.1f} %, {report.tested.sum()} pictures)"
        )
    else:
        say(
            "How good the classifier is cannot be told: that takes two classes, and "
            "two different pictures of one."
        )
    if report.alone:
        alone = listed(report.alone)
        say(f"Not tested, as no other picture of them is left: {alone}")
    if report.is_imbalanced:
        say(
            f"Balanced accuracy {100 * report.balanced_accuracy:.1f} %, where each "
            f"class counts the same"
        )
        counts = np.bincount(report.labels[report.tested])
        numbers = {name: i for i, name in enumerate(report.class_names)}
        print_table(
            ["class", "recall", "pictures"],
            [
                (name, f"{100 * recall:.1f} %", counts[numbers[name]])
                for name, recall in report.recalls.items()
            ],
        )
    print_table(["class", "taken for", "pictures"], report.confusions[:MOST_LISTED])
    for i, name, probability in report.suspects[:MOST_LISTED]:
        say(
            f"May bear the wrong name: {paths[i]} looks like {name!r} "
            f"({probability:.2f})"
        )
    for i, j in report.conflicts[:MOST_LISTED]:
        say(
            f"Nearly the same picture under two names, one of which is probably wrong: "
            f"{paths[i]} and {paths[j]}"
        )
    copies = sorted(set(report.duplicates) - set(report.conflicts))
    for i, j in copies[:MOST_LISTED]:
        say(f"Nearly the same picture: {paths[i]} and {paths[j]}")
    for kind, found in (
        ("may bear the wrong name", report.suspects),
        ("are nearly the same under two names", report.conflicts),
        ("are nearly the same", copies),
    ):
        if len(found) > MOST_LISTED:
            say(f"... and {len(found) - MOST_LISTED} more that {kind}")
