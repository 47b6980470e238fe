"""`fsl-keras train`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import DataDir, parsed_option
from fsl_keras.cli.output import AsCsv, AsJson, Output, print_reports, working
from fsl_keras.files.outputs import check_place


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
            help="Turn, zoom, shear and shift training images at random.",
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
    as_json: AsJson = False,
    as_csv: AsCsv = False,
):
    """Train a method and test it on classes it never saw."""
    import keras
    import tensorflow as tf

    from fsl_keras.progress import TrainingProgress
    from fsl_keras.training.runs import Options, Run

    out = Output(as_json, as_csv)
    if deterministic:
        keras.utils.set_random_seed(seed or 0)
        tf.config.experimental.enable_op_determinism()
    given = {
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
    changes: dict = {name: value for name, value in given.items() if value is not None}
    if option:
        changes["method_options"] = dict(map(parsed_option, option))
    name = (dataset or Options.dataset).replace("/", "-")
    if method not in (None, Options.method):
        name += f"-{method}"
    folder = output or pathlib.Path("runs", name)
    if resume:
        run = Run.resume(folder, changes)
    else:
        run = Run.start(folder, Options.suited(**changes))
    check_place(folder)
    with TrainingProgress(run.options.steps) as progress:
        model = run.train([progress])
    with working("Testing on unseen classes"):
        reports = run.report(model)
    print_reports(out, reports)
    # A hidden file is what a killed run did not write to its end.
    files = sorted(run.folder.glob("[!.]*"))
    out.say("Written:")
    for path in files:
        out.say(f"  {path}")
    out.add(files=files)
    out.finish()
