"""`fsl-keras evaluate`."""

import functools
import pathlib
from typing import Annotated

import typer

from fsl_keras import datasets, evaluation, plots
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.cli.app import app
from fsl_keras.cli.options import DataDir
from fsl_keras.cli.output import print_reports, print_table, say, working
from fsl_keras.cli.stored import load_model
from fsl_keras.datasets.folders import picture_files
from fsl_keras.files import replacing
from fsl_keras.outputs import FIGURE
from fsl_keras.testing import embedded_once, variants


@app.command()
def evaluate(
    model: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A learner or a classifier: a .keras file, or a preset's name or "
            "folder."
        ),
    ],
    folder: Annotated[
        pathlib.Path | None,
        typer.Argument(help="For a classifier: a folder of pictures for each class."),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="For a learner: the data set of the episodes.")
    ] = "glyphs",
    split: Annotated[str, typer.Option(help="Split of its classes.")] = "test",
    data_dir: DataDir = None,
    ways: Annotated[int, typer.Option(help="Classes of an episode.")] = 5,
    shots: Annotated[int, typer.Option(help="Support examples of a class.")] = 1,
    queries: Annotated[int, typer.Option(help="Queries of a class.")] = 15,
    episodes: Annotated[int, typer.Option(help="Number of episodes.")] = 600,
    seed: Annotated[int, typer.Option(help="Seed of the episodes, an integer.")] = 2,
    within: Annotated[
        bool,
        typer.Option(
            help="For a learner: the classes of an episode are of one alphabet, or "
            "what else their names begin with."
        ),
    ] = False,
    one_shot_runs: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a learner: the folder of Lake's one-shot runs, to measure by "
            "them and by no data set."
        ),
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="File to write the (first) report to: JSON, or for a classifier CSV "
            "if its name ends in .csv."
        ),
    ] = None,
    confusion: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a classifier: image file to draw the confusion matrix to, such "
            "as confusion.png."
        ),
    ] = None,
):
    """Measure a learner on a data set, or a classifier on labelled pictures."""
    loaded = load_model(model)
    if isinstance(loaded, FewShotClassifier):
        if folder is None:
            raise ValueError(
                f"{model} is a classifier: name a folder that holds a folder of "
                f"pictures for each class."
            )
        _evaluate_folder(loaded, folder, output, confusion)
        return
    if folder is not None:
        raise ValueError(
            f"{model} is a learner, which is measured on episodes of a data set "
            f"(--dataset): make a classifier of it with `fsl-keras adapt` to measure "
            f"it on {folder}."
        )
    if confusion is not None:
        raise ValueError(
            f"{model} is a learner: --confusion goes with a classifier and a folder."
        )
    if one_shot_runs is not None:
        reports = [_evaluate_runs(loaded, one_shot_runs, model.stem)]
    else:
        data = _load_as_taken(loaded.item_shape, dataset, split, data_dir)
        if data.class_sizes.sum() < episodes * ways * (shots + queries):
            loaded, data = embedded_once(loaded, data)
        draw = data.episodes
        if within:
            draw = functools.partial(datasets.episodes_within, data)
        reports = [
            evaluation.evaluate(
                tested,
                draw(ways, shots, asked, seed=seed, count=episodes),
                model.stem,
            )
            for tested, asked in variants(loaded, queries)
        ]
        print_reports(reports)
    if output:
        reports[0].save(output)


def _load_as_taken(item_shape, dataset, split, data_dir):
    """Loads a data set at the size of the pictures that a learner takes."""
    data = datasets.load(dataset, split, data_dir)
    if data.item_shape[2:] != item_shape[2:]:
        raise ValueError(
            f"The learner takes items of shape {item_shape}, and those of {dataset} "
            f"are {data.item_shape}. Name another data set with --dataset."
        )
    if data.item_shape != item_shape:
        data = datasets.load(dataset, split, data_dir, size=item_shape[:2])
    return data


def _evaluate_runs(learner, folder, name):
    stream = evaluation.one_shot_runs(folder, learner.item_shape[:2])
    if learner.kind == "transductive":
        learner = learner.deployable()
    report = evaluation.evaluate(learner, stream, name)
    print_reports([report])
    say(f"error {100 * report.error:.2f} ± {100 * report.ci95:.2f} %")
    return report


def _evaluate_folder(classifier, folder, output, confusion):
    files = picture_files(folder)
    paths = [path for found in files.values() for path in found]
    labels = [name for name, found in files.items() for _ in found]
    with working(f"Reading {len(paths)} pictures"):
        report = evaluation.evaluate_classifier(classifier, paths, labels)
    if output and output.suffix == ".csv":
        report.save_csv(output)
    elif output:
        report.save(output)
    if confusion:
        with replacing(confusion, FIGURE) as beside:
            plots.confusion_matrix(report).savefig(beside)
    header, *rows = report.table()
    print_table(header, rows)
    # Each unknown class by itself; together they are "unknown" in the table above.
    recalls = [
        (name, f"{100 * recall:.1f} %")
        for name, recall in report.recalls.items()
        if name not in classifier.class_names
    ]
    print_table(["class that is not known", "recall"], recalls)
    print_table(["class", "predicted", "images"], report.confusions[:10])
    say(report.summary())
