"""`fsl-keras reproduce`."""

import dataclasses
import pathlib
import shlex
from typing import Annotated

import typer

from fsl_keras import presets
from fsl_keras.cli.options import DataDir, parsed_option
from fsl_keras.cli.output import AsCsv, AsJson, Output, print_reports, working
from fsl_keras.files.outputs import check_place
from fsl_keras.presets.card import percent

# The exit status of a run that stopped at a checkpoint: try again later (sysexits.h).
UNFINISHED = 75


def reproduce(
    name: Annotated[
        str, typer.Argument(help="A recipe; it has the name of its preset.")
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
    as_json: AsJson = False,
    as_csv: AsCsv = False,
):
    """Train a preset anew by its recipe, measure it, and write it as a folder."""
    from fsl_keras.progress import TrainingProgress
    from fsl_keras.training import recipes
    from fsl_keras.training.runs import Run
    from fsl_keras.training.stages import OutOfTime, TimeBudget

    out = Output(as_json, as_csv)
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
    wanted = {**dataclasses.asdict(options), **changes}
    run = Run.resume(folder, wanted) if resume else Run.start(folder, options)
    check_place(folder)
    callbacks = [] if minutes is None else [TimeBudget(minutes)]
    try:
        with TrainingProgress(options.steps) as progress:
            learner = run.train([progress, *callbacks])
    except OutOfTime as reason:
        out.say(f"{reason} Go on with --resume.")
        raise typer.Exit(UNFINISHED) from None
    with working("Testing on unseen classes"):
        reports = run.report(learner)
        run.calibrate(learner)
    made = recipes.metadata(name, run, reports, shlex.join(command))
    presets.save(learner, folder / "preset", made)
    print_reports(out, reports)
    if name in presets.list():
        _print_comparison(out, made, presets.metadata(name))
    out.say(f"Written: {folder / 'preset'}")
    out.add(preset=folder / "preset")
    out.finish()


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
