"""The command `fsl-keras`."""

import json
import pathlib
import sys
import warnings
import zipfile
from typing import Annotated

import keras
import tensorflow as tf
import typer
from rich.console import Console
from rich.table import Table

from fsl_keras import datasets, evaluation, methods
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.datasets.catalogue import DESCRIPTIONS
from fsl_keras.datasets.folders import picture_files, warn_of_skipped
from fsl_keras.files import replacing
from fsl_keras.models import EpisodicModel
from fsl_keras.progress import TrainingProgress
from fsl_keras.runs import Options, Run, variants

app = typer.Typer(
    help="Few-shot learning: train on episodes, adapt to a few examples, predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True, soft_wrap=True)

DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder where the data lies: prepared TensorFlow Datasets, or "
        "miniImageNet's folders or pickles."
    ),
]


@app.command()
def train(
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set; `fsl-keras datasets` lists them. Default: glyphs."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Method; `fsl-keras methods` lists them. Default: prototypical."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the method, NAME=VALUE; may be repeated."),
    ] = None,
    data_dir: DataDir = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Run folder to write. Default: runs/<dataset>, with -<method> for "
            "another than the default one."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue the run of the folder where it stopped.")
    ] = False,
    ways: Annotated[
        int | None, typer.Option(help="Classes of a training episode.")
    ] = None,
    shots: Annotated[
        int | None, typer.Option(help="Support examples of a class in training.")
    ] = None,
    queries: Annotated[
        int | None, typer.Option(help="Queries of a class in training.")
    ] = None,
    tasks: Annotated[
        int | None, typer.Option(help="Training episodes in a batch.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps in all.")] = None,
    steps_per_epoch: Annotated[
        int | None,
        typer.Option(help="Training steps between validations and checkpoints."),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Rate at the first step; it falls to 0."),
    ] = None,
    filters: Annotated[
        int | None, typer.Option(help="Channels of the Conv-4 backbone.")
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment",
            help="Turn, zoom, shear and shift training pictures at random.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of weights and episodes, an integer.")
    ] = None,
    test_episodes: Annotated[
        int | None, typer.Option(help="Episodes of each test on unseen classes.")
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option(help="The same weights to the bit at every run, but slower."),
    ] = False,
):
    """Train a method and test it on classes it never saw."""
    if deterministic:
        keras.utils.set_random_seed(seed or 0)
        tf.config.experimental.enable_op_determinism()
    asked = {
        "dataset": dataset,
        "method": method,
        "data_dir": data_dir,
        "ways": ways,
        "shots": shots,
        "queries": queries,
        "tasks": tasks,
        "steps": steps,
        "steps_per_epoch": steps_per_epoch,
        "learning_rate": learning_rate,
        "filters": filters,
        "augment": augment,
        "seed": seed,
        "test_episodes": test_episodes,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    if option:
        changes["method_options"] = dict(map(_parsed_option, option))
    name = (dataset or Options.dataset).replace("/", "-")
    if method not in (None, Options.method):
        name += f"-{method}"
    folder = output or pathlib.Path("runs", name)
    if resume:
        run = Run.resume(folder, changes)
    else:
        run = Run.start(folder, Options.suited(**changes))
    with TrainingProgress(console, run.options.steps) as progress:
        model = run.train([progress])
    with console.status("Testing on unseen classes ..."):
        reports = run.report(model)
    _print_reports(reports)
    _say("Written:")
    # A hidden file is what a killed run did not write to its end.
    for path in sorted(run.folder.glob("[!.]*")):
        _say(f"  {path}")


@app.command()
def evaluate(
    model: Annotated[
        pathlib.Path, typer.Argument(help="A learner or a classifier, a .keras file.")
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
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="JSON file to write the (first) report to."),
    ] = None,
):
    """Measure a learner on a data set, or a classifier on labelled pictures."""
    loaded = _load(model)
    if isinstance(loaded, FewShotClassifier):
        if folder is None:
            raise ValueError(
                f"{model} is a classifier: name a folder that holds a folder of "
                f"pictures for each class."
            )
        _evaluate_folder(loaded, folder, output)
        return
    if folder is not None:
        raise ValueError(
            f"{model} is a learner, which is measured on episodes of a data set "
            f"(--dataset): make a classifier of it with `fsl-keras adapt` to measure "
            f"it on {folder}."
        )
    data = datasets.load(dataset, split, data_dir)
    reports = []
    for tested, asked in variants(loaded, queries):
        stream = data.episodes(ways, shots, asked, seed=seed, count=episodes)
        reports.append(evaluation.evaluate(tested, stream, model.stem))
    _print_reports(reports)
    if output:
        reports[0].save(output)


@app.command()
def adapt(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder that holds a folder a class.")
    ],
    learner: Annotated[
        pathlib.Path, typer.Option(help="The trained learner, a .keras file.")
    ] = pathlib.Path("runs/glyphs/learner.keras"),
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
):
    """Make a classifier of the classes in a folder of pictures."""
    files = picture_files(folder)
    paths = [path for found in files.values() for path in found]
    labels = [name for name, found in files.items() for _ in found]
    classifier = _load_learner(learner).adapt(
        paths, labels, invert=invert, unknown_threshold=unknown_threshold
    )
    classifier.save(output)
    count = len(classifier.task.examples)
    _say(f"Learned {len(files)} classes from {count} different pictures: {output}")


@app.command()
def predict(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    images: Annotated[list[pathlib.Path], typer.Argument(help="Picture files.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
):
    """Name the class of pictures."""
    found, skipped = _load_classifier(classifier).predict_files(images)
    warn_of_skipped(skipped, len(images))
    rows = [(str(path), prediction) for path, prediction in found]
    if as_json:
        sys.stdout.write(
            json.dumps(
                {
                    "predictions": [{"file": f, **p._asdict()} for f, p in rows],
                    "skipped": [{"file": str(f), "reason": r} for f, r in skipped],
                },
                ensure_ascii=False,
                indent=1,
            )
            + "\n"
        )
    else:
        _print_table(
            ["file", "class", "probability"],
            [(f, p.class_name, f"{p.probability:.3f}") for f, p in rows],
        )
    if not rows:
        raise ValueError("No picture could be read.")


@app.command()
def export(
    classifier: Annotated[
        pathlib.Path, typer.Argument(help="The classifier, a .keras file.")
    ],
    output: Annotated[pathlib.Path, typer.Argument(help="The folder to write.")],
):
    """Write a classifier as a SavedModel that needs TensorFlow alone."""
    _load_classifier(classifier).export(output)
    _say(f"Written: {output}")


@app.command("methods")
def list_methods():
    """List the methods, with paper, kind and what they do when classes come later."""
    rows = []
    for name, method in methods.METHODS.items():
        learner = method.make((28, 28, 1), filters=2)
        options = {**method.options, **method.arguments}
        spelled = ", ".join(f"{key}={value}" for key, value in options.items())
        streams = ", ".join(method.streams)
        growth = "makes no classifier" if method.head else learner.incremental
        rows.append((name, method.paper, learner.kind, growth, streams, spelled))
    columns = ["method", "paper", "kind", "new classes", "trains on", "options"]
    _print_table(columns, rows)


@app.command("datasets")
def list_datasets():
    """List the data sets that can be loaded by name."""
    rows = [*DESCRIPTIONS.items(), ("any other", "a set of TensorFlow Datasets")]
    _print_table(["name", "what it is"], rows)


def main():
    """Runs the command line; an error is one line and a non-zero exit."""
    warnings.showwarning = _show_warning
    try:
        app()
    except (ValueError, OSError, tf.errors.OpError) as error:
        line = " ".join(str(error).split())
        errors.print(f"Error: {line}", style="red", highlight=False, markup=False)
        raise SystemExit(1) from None


def _show_warning(message, category, filename, lineno, file=None, line=None):
    del category, filename, lineno, file, line
    errors.print(f"Warning: {message}", style="yellow", highlight=False, markup=False)


def _load(path):
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file {path}. `fsl-keras train` makes a learner, "
            f"`fsl-keras adapt` a classifier."
        )
    try:
        return keras.saving.load_model(path)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} is no model that this version can load ({reason}). Give a .keras "
            f"file that `fsl-keras train` or `fsl-keras adapt` wrote."
        ) from error


def _load_learner(path):
    model = _load(path)
    if not isinstance(model, EpisodicModel):
        raise ValueError(
            f"{path} is no learner: give the `learner.keras` that `fsl-keras train` "
            f"writes."
        )
    return model


def _load_classifier(path):
    model = _load(path)
    if not isinstance(model, FewShotClassifier):
        raise ValueError(
            f"{path} is a learner and knows no classes yet: make a classifier of it "
            f"with `fsl-keras adapt`."
        )
    return model


def _evaluate_folder(classifier, folder, output):
    files = picture_files(folder)
    paths = [path for found in files.values() for path in found]
    labels = [name for name, found in files.items() for _ in found]
    report = evaluation.evaluate_classifier(classifier, paths, labels)
    rows = [(name, f"{100 * recall:.1f} %") for name, recall in report.recalls.items()]
    _print_table(["class", "recall"], rows)
    _print_table(["class", "taken for", "pictures"], report.confusions[:10])
    _say(
        f"accuracy {100 * report.accuracy:.1f} %, "
        f"macro accuracy {100 * report.macro_accuracy:.1f} %, "
        f"unknown {100 * report.unknown_rate:.1f} %"
    )
    if output:
        with replacing(output) as beside:
            beside.write_text(json.dumps(vars(report), indent=1, ensure_ascii=False))


def _parsed_option(text):
    """Returns name and value of `NAME=VALUE`; numbers, true and false are read."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ValueError(f"An option must be NAME=VALUE. Received: {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _say(line):
    # Whole lines, so that paths can be copied.
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _print_reports(reports):
    rows = [report.row() for report in reports]
    shared = ("data", "episodes", "seed", "overlap")
    _say(", ".join(f"{name} {rows[0][name]}" for name in shared))
    columns = ["task", "queries", "accuracy", "kind"]
    _print_table(columns, [[row[column] for column in columns] for row in rows])


def _print_table(columns, rows):
    if not rows:
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table, markup=False)
