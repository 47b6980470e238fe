"""`fsl-keras presets` and `fsl-keras reproduce`."""

import dataclasses
import pathlib
import shlex
from typing import Annotated

import typer

from fsl_keras import presets, recipes
from fsl_keras.cli.app import app
from fsl_keras.cli.options import DataDir, parsed_option
from fsl_keras.cli.output import console, print_reports, print_table, say
from fsl_keras.presets.card import percent
from fsl_keras.progress import TrainingProgress
from fsl_keras.runs import Run
from fsl_keras.training import OutOfTime, TimeBudget

# The exit status of a run that stopped at a checkpoint: try again later (sysexits.h).
UNFINISHED = 75


@app.command("presets")
def list_presets():
    """List the trained models that come with the package."""
    rows = []
    for name in presets.list():
        told = presets.metadata(name)
        figures = {
            (figure["protocol"]["ways"], figure["protocol"]["shots"]): percent(figure)
            for figure in reversed(told.get("figures", []))
        }
        spelled = (f"{w}w{s}s {figures[w, s]}" for w, s in sorted(figures))
        rows.append((name, told.get("data"), ", ".join(spelled)))
    print_table(["preset", "trained on", "accuracy on unseen classes, %"], rows)


@app.command()
def reproduce(
    name: Annotated[
        str, typer.Argument(help="A recipe, which bears the name of its preset.")
    ],
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="Run folder to write. Default: runs/NAME, with -seedN."),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue the run of the folder where it stopped.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Another seed than the recipe's.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop at a checkpoint after so many minutes, to be resumed; the exit "
            "status is then 75."
        ),
    ] = None,
    validate: Annotated[
        bool,
        typer.Option(
            help="Train on the training classes alone and test on the validation "
            "classes: to choose by."
        ),
    ] = False,
    change: Annotated[
        list[str] | None,
        typer.Option(
            help="Another value for an option of the recipe, NAME=VALUE; may be "
            "repeated."
        ),
    ] = None,
    data_dir: DataDir = None,
):
    """Train a preset anew by its recipe, measure it, and write it as a folder."""
    changes = dict(map(parsed_option, change or ()))
    command = ["fsl-keras", "reproduce", name]
    for text in change or ():
        command += ["--change", text]
    if seed is not None:
        changes["seed"] = seed
        command += ["--seed", str(seed)]
    if validate:
        changes |= {"train_split": "train", "test_split": "validation"}
        command.append("--validate")
    if data_dir is not None:
        changes["data_dir"] = data_dir
    options = recipes.load(name, **changes)
    folder = output or pathlib.Path("runs", name + f"-seed{seed}" * (seed is not None))
    asked = {**dataclasses.asdict(options), **changes}
    run = Run.resume(folder, asked) if resume else Run.start(folder, options)
    callbacks = [] if minutes is None else [TimeBudget(minutes)]
    try:
        with TrainingProgress(console, options.steps) as progress:
            learner = run.train([progress, *callbacks])
    except OutOfTime as reason:
        say(f"{reason} Go on with --resume.")
        raise typer.Exit(UNFINISHED) from None
    with console.status("Testing on unseen classes ..."):
        reports = run.report(learner)
        run.calibrate(learner)
    told = recipes.metadata(name, run, reports, shlex.join(command))
    presets.save(learner, folder / "preset", told)
    print_reports(reports)
    if name in presets.list():
        _print_beside(told, presets.metadata(name))
    say(f"Written: {folder / 'preset'}")


def _print_beside(made, shipped):
    """Prints the figures of a run beside those of the preset that is shipped."""

    def by_protocol(told):
        keys = ("ways", "shots", "queries", "kind", "batch_norm")
        return {
            tuple(str(figure["protocol"].get(key)) for key in keys): percent(figure)
            for figure in told["figures"]
        }

    made, shipped = by_protocol(made), by_protocol(shipped)
    rows = [
        (f"{key[0]}-way {key[1]}-shot, {key[3]}, {key[4]}", made[key], shipped[key])
        for key in made
        if key in shipped
    ]
    print_table(["task", "this run, %", "the preset, %"], rows)
