"""`fsl-keras benchmark`: the tables of the documentation, from the reports."""

import json
import pathlib
import tomllib
from typing import Annotated

import typer

from fsl_keras import presets
from fsl_keras.cli.output import say
from fsl_keras.files import replacing
from fsl_keras.presets.table import measured_table, zoo_table

INTRO = """# Results

Made by `fsl-keras benchmark` from the reports of the runs: do not edit. Accuracies in
% with 95% intervals over episodes; in brackets the range over training seeds, where
more than one was run. CPU minutes are of all cores together (half as long on two), with
those of the model that one started from, each on the machine that made it: they
compare roughly. Rows in italics are what papers report, with their protocol; † is from
memory of the paper. Speed, memory and older figures are in
[measurements.md](measurements.md)."""


def benchmark(
    root: Annotated[
        pathlib.Path, typer.Option(help="The checkout, with `benchmarks/` and `docs/`.")
    ] = pathlib.Path("."),
) -> None:
    """Write docs/results.md from the presets and the reports of the benchmarks."""
    papers = root / "benchmarks" / "papers.toml"
    if not papers.exists():
        raise FileNotFoundError(
            f"There is no {papers}. Run this in a checkout of fsl_keras, or name it "
            f"with --root."
        )
    path = root / "docs" / "results.md"
    with replacing(path) as temporary:
        temporary.write_text(results(root), encoding="utf-8")
    say(f"Written: {path}")


def results(root: pathlib.Path) -> str:
    """Returns the text of docs/results.md.

    Args:
        root: path of a checkout.
    """
    stored = [presets.metadata(path.parent) for path in _files(root, "saved_models/*")]
    reports = [json.loads(_text(path)) for path in _files(root, "benchmarks/reports")]
    runs = [report for report in reports if "options" in report]
    papers = tomllib.loads(_text(root / "benchmarks" / "papers.toml"))
    parts = [INTRO, zoo_table(stored, papers, runs)]
    parts += [measured_table(report) for report in reports if "rows" in report]
    return "\n\n".join(part for part in parts if part) + "\n"


def _files(root, folder):
    name = "metadata.json" if folder.endswith("*") else "*.json"
    return sorted(root.glob(f"{folder}/{name}"))


def _text(path):
    return path.read_text(encoding="utf-8")
