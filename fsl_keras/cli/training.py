"""`fsl-keras train`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli import settings
from fsl_keras.cli.options import DataDir
from fsl_keras.cli.output import AsCsv, AsJson, Output, print_reports, working
from fsl_keras.files.outputs import check_place


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe: a name of `fsl-keras recipes`, or a TOML file. By default "
            "the options that suit data set and method."
        ),
    ] = None,
    dataset: settings.DatasetName = None,
    method: settings.MethodName = None,
    backbone: settings.BackboneName = None,
    ways: settings.Ways = None,
    shots: settings.Shots = None,
    steps: settings.Steps = None,
    seed: settings.Seed = None,
    data_dir: DataDir = None,
    change: settings.Set = None,
    option: settings.Option = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Run folder to write. Default: runs/RECIPE, or runs/DATASET, followed "
            "by -METHOD and -BACKBONE where they are not the default."
        ),
    ] = None,
    resume: settings.Resume = False,
    devices: Annotated[
        int | None,
        typer.Option(
            help="Devices of this machine to train on: GPUs, or processor cores where "
            "there is no GPU. The tasks of a batch, train.tasks, are divided among "
            "them. Default: one; with other workers, all GPUs. Workers are those of "
            "the variable TF_CONFIG."
        ),
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option(help="Bit-identical weights in every run, but slower."),
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Train a method and test it on classes it never saw."""
    from fsl_keras.files.locks import locked
    from fsl_keras.progress import TrainingProgress
    from fsl_keras.training import recipes
    from fsl_keras.training.distribution import facts_of, strategy_of
    from fsl_keras.training.options import Options, merged
    from fsl_keras.training.report import write_report
    from fsl_keras.training.run import calibrate
    from fsl_keras.training.run import train as train_run
    from fsl_keras.training.run_folder import Run
    from fsl_keras.training.workers import Workers

    out = Output(as_json, as_csv)
    if deterministic:
        _make_deterministic()
    changes = settings.tables_of(
        change,
        data_name=dataset,
        data_folder=data_dir,
        method_name=method,
        backbone_name=backbone,
        train_ways=ways,
        train_shots=shots,
        train_steps=steps,
        train_seed=seed,
    )
    given = merged(recipes.tables(recipe) if recipe else {}, changes)
    given = settings.with_options(given, option)
    folder = output or pathlib.Path("runs", _name(recipe, given))
    if resume:
        run = Run.resume(folder, given)
    else:
        run = Run.start(folder, Options.suited(given))
    check_place(folder)
    workers = Workers.from_environment()
    if workers is not None:
        with working(f"Waiting for {len(workers.addresses)} workers"):
            workers.meet(facts_of(run))
    strategy = strategy_of(devices, workers)
    if workers is not None and not workers.is_chief:
        train_run(run, strategy=strategy)
        out.say(f"Worker {workers.number} is done. Worker 0 writes {folder}.")
        out.finish()
        return
    with locked(folder, wait=0):
        with TrainingProgress(run.options.train.steps) as progress:
            learner = train_run(run, [progress], strategy)
        with working("Testing on unseen classes"):
            calibrate(run, learner)
            reports = write_report(run, learner, strategy)
    print_reports(out, reports)
    _print_files(out, run.folder)
    out.finish()


def _name(recipe, tables):
    """Returns the name of the folder of a run."""
    from fsl_keras.training.options import Options

    if recipe:
        return pathlib.Path(recipe).stem
    options, default = Options.suited(tables), Options()
    name = options.data.name.replace("/", "-")
    for section in ("method", "backbone"):
        own = getattr(options, section).name
        name += f"-{own}" * (own != getattr(default, section).name)
    return name


def _make_deterministic():
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _print_files(out, folder):
    # A hidden file is what a killed run did not finish writing.
    files = sorted(folder.glob("[!.]*"))
    out.say("Written:")
    for path in files:
        out.say(f"  {path}")
    out.add(files=files)
