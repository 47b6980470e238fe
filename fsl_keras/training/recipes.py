"""The recipes of the zoo: for each preset the options of the run that makes it."""

import dataclasses
import pathlib
import subprocess
import tomllib

import numpy as np

from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.files import shipped_folder
from fsl_keras.names import did_you_mean
from fsl_keras.training.runs import Options


def names():
    """Returns the names of the recipes, which are those of the presets they make."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load(name, **changes):
    """Returns the options of a recipe.

    A recipe is a TOML file of what differs from the options that suit its data set and
    its method.

    Args:
        name: string, one of `names()`.
        **changes: options to change, such as `seed`.

    Returns:
        `runs.Options`.

    Raises:
        ValueError: if there is no such recipe, with the nearest name, or it has an
            option that runs have not.
    """
    path = _folder() / f"{name}.toml"
    if not path.exists():
        raise ValueError(
            f"There is no recipe {name!r}.{did_you_mean(name, names())} Recipes: "
            f"{', '.join(names())}."
        )
    stored = tomllib.loads(path.read_text(encoding="utf-8"))
    wanted = {**stored, **changes}
    strange = wanted.keys() - {field.name for field in dataclasses.fields(Options)}
    if strange:
        raise ValueError(
            f"{path} or what was changed of it has options that runs have not: "
            f"{sorted(strange)}."
        )
    if "tests" in wanted:
        wanted["tests"] = tuple(map(tuple, wanted["tests"]))
    return Options.suited(**wanted)


def metadata(name, run, reports, command):
    """Returns what a preset tells of the run that made it.

    Args:
        name: string, the recipe.
        run: `runs.Run` that is trained.
        reports: list of `EpisodeReport`.
        command: string, the command that made it.

    Returns:
        A dictionary for `presets.save`.
    """
    options = run.options
    entry = DATASETS.get(options.dataset)
    return {
        "name": name,
        "description": _description(options),
        "command": command,
        "data": f"{options.dataset} {options.train_split}",
        "options": {**dataclasses.asdict(options), "data_dir": None},
        "cpu_minutes": round(run.cpu_minutes, 2),
        "commit": _commit(),
        "figures": [
            {
                "accuracy": report.accuracy,
                "ci95": report.ci95,
                "protocol": report.protocol,
            }
            for report in reports
        ],
        "licence": entry and entry.licence,
    }


def _description(options):
    filters = ", ".join(map(str, np.atleast_1d(options.filters)))
    parts = [f"{options.method} on Conv-4 of {filters} filters"]
    if options.size is not None:
        parts.append(f"pictures of {options.size}x{options.size}")
    if options.views:
        parts.append("an embedding the mean of nine views of a picture")
    if options.orientations:
        parts.append("the embeddings of a picture's eight orientations side by side")
    if options.start_from is not None:
        parts.append(f"begun with the backbone of {options.start_from}")
    return f"{', '.join(parts)}, trained on {options.dataset}."


def _folder():
    return shipped_folder("benchmarks/recipes")


def _commit():
    """Returns the commit of the checkout that runs, or None outside of one."""
    root = pathlib.Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    return (
        subprocess.run(git, capture_output=True, encoding="utf-8").stdout.strip()
        or None
    )
