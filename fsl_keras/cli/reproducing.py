"""`fsl-keras reproduce`."""

import pathlib
import shlex
from typing import Annotated

import typer

from fsl_keras import presets
from fsl_keras.cli import settings
from fsl_keras.cli.options import DataDir
from fsl_keras.cli.output import AsCsv, AsJson, Output, print_reports, working
from fsl_keras.files.outputs import check_place
from fsl_keras.presets.card import percent

# The exit status of a run that stopped at a checkpoint: try again later (sysexits.h).
UNFINISHED = 75


def reproduce(
    name: Annotated[
        str,
        typer.Argument(
            help="A recipe, which has the name of its preset; `fsl-keras recipes` "
            "lists them. Or a TOML file."
        ),
    ],
    seed: settings.Seed = None,
    data_dir: DataDir = None,
    setting: settings.Set = None,
    change: settings.Change = None,
    validate: Annotated[
        bool,
        typer.Option(
            help="Train on the training classes alone and test on the validation "
            "classes: to choose by."
        ),
    ] = False,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="Run folder to write. Default: runs/NAME, with -seedN."),
    ] = None,
    resume: settings.Resume = False,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop at a checkpoint after so many minutes, to be resumed; the exit "
            "status is then 75."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Train a preset anew by its recipe, measure it, and write it as a folder."""
    from fsl_keras.progress import TrainingProgress
    from fsl_keras.training import recipes
    from fsl_keras.training.callbacks import OutOfTime, TimeBudget
    from fsl_keras.training.options import Options, merged
    from fsl_keras.training.report import write_report
    from fsl_keras.training.run import calibrate, train
    from fsl_keras.training.run_folder import Run

    out = Output(as_json, as_csv)
    changes = settings.tables_of(setting, train_seed=seed, data_folder=data_dir)
    if validate:
        splits = {"train_split": "train", "test_split": "validation"}
        changes = merged(changes, {"data": splits})
    tables = settings.with_changes(recipes.tables(name), change)
    options = Options.suited(merged(tables, changes))
    command = _command(pathlib.Path(name).name, setting, change, seed, validate)
    name = pathlib.Path(name).stem
    folder = output or pathlib.Path("runs", name + f"-seed{seed}" * (seed is not None))
    resumed = resume and Run.resume(folder, options.tables())
    run = resumed or Run.start(folder, options)
    check_place(folder)
    callbacks = [] if minutes is None else [TimeBudget(minutes)]
    try:
        with TrainingProgress(options.train.steps) as progress:
            learner = train(run, [progress, *callbacks])
    except OutOfTime as reason:
        out.say(f"{reason} Continue with --resume.")
        raise typer.Exit(UNFINISHED) from None
    with working("Testing on unseen classes"):
        calibrate(run, learner)
        reports = write_report(run, learner)
    metadata = recipes.metadata(name, run, reports, command)
    presets.save(learner, folder / "preset", metadata)
    print_reports(out, reports)
    if name in presets.list():
        _print_comparison(out, metadata, presets.metadata(name))
    out.say(f"Written: {folder / 'preset'}")
    out.add(preset=folder / "preset")
    out.finish()


def _command(name, settings, changes, seed, validate):
    """Returns the command line of a run, without what differs between machines."""
    words = ["fsl-keras", "reproduce", name]
    for flag, texts in (("--set", settings), ("--change", changes)):
        for text in texts or ():
            words += [flag, text]
    if seed is not None:
        words += ["--seed", str(seed)]
    if validate:
        words.append("--validate")
    return shlex.join(words)


def _print_comparison(out, made, shipped):
    """Prints the figures of a run next to those of the preset that is shipped."""

    def by_protocol(known):
        keys = ("ways", "shots", "queries", "kind", "batch_norm")
        return {
            tuple(str(figure["protocol"].get(key)) for key in keys): figure
            for figure in known["figures"]
        }

    made, shipped = by_protocol(made), by_protocol(shipped)
    both = {
        f"{key[0]}-way {key[1]}-shot, {key[3]}, {key[4]}": (made[key], shipped[key])
        for key in made
        if key in shipped
    }
    out.table(
        "comparison",
        [
            {"task": task, "run": one, "preset": two}
            for task, (one, two) in both.items()
        ],
        [
            {"task": task, "this run, %": percent(one), "the preset, %": percent(two)}
            for task, (one, two) in both.items()
        ],
    )
