"""The metadata of a preset that a recipe makes."""

import pathlib
import subprocess
from typing import Any

from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.evaluation import EpisodeReport
from fsl_keras.training.options import Options
from fsl_keras.training.run_folder import Run


def metadata(
    name: str, run: Run, reports: list[EpisodeReport], command: str
) -> dict[str, Any]:
    """Returns the metadata of the preset that a run makes.

    Args:
        name: string, the recipe.
        run: trained `Run`.
        reports: list of `EpisodeReport`.
        command: string, the command that made it.

    Returns:
        A dictionary for `presets.save`.
    """
    options = run.options
    entry = DATASETS.get(options.data.name)
    tables = options.tables()
    tables["data"]["folder"] = None  # a path of this machine
    return {
        "name": name,
        "description": _description(options),
        "command": command,
        "data": f"{options.data.name} {options.data.train_split}",
        "options": tables,
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


def _description(options: Options) -> str:
    backbone = options.backbone
    parts = [f"{options.method.name} on {backbone.entry.label(backbone.arguments)}"]
    if options.data.size is not None:
        parts.append(f"images of {options.data.size}x{options.data.size}")
    if backbone.finish is not None:
        parts.append(f"{backbone.finish} embeddings")
    if backbone.start_from is not None:
        parts.append(f"started from the backbone of {backbone.start_from}")
    return f"{', '.join(parts)}, trained on {options.data.name}."


def _commit():
    """Returns the commit of the checkout that runs, or None outside of one."""
    root = pathlib.Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    return (
        subprocess.run(git, capture_output=True, encoding="utf-8").stdout.strip()
        or None
    )
