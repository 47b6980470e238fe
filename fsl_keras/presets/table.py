"""The tables of results of the presets, with the figures of their papers."""

from collections.abc import Mapping, Sequence
from typing import Any

from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.presets.card import percent


def zoo_table(
    presets: Sequence[dict], papers: Mapping[str, dict], runs: Sequence[dict] = ()
) -> str:
    """Returns the Markdown of the tables, one for each data set.

    Args:
        presets: list of the metadata of presets.
        papers: dictionary from data set and method to `figures`, `protocol` and
            whether they are `remembered`.
        runs: list of the metadata of further runs of recipes: with other seeds, or of
            recipes without a shipped preset.
    """
    parts = []
    shipped = {preset["name"] for preset in presets}
    for name, entry in DATASETS.items():
        own = [run for run in [*presets, *runs] if _options(run)["dataset"] == name]
        if own:
            table = _table(own, papers.get(name, {}), shipped)
            parts.append(f"## {entry.title}\n\n{entry.note}\n\n{table}")
    return "\n\n".join(parts)


def measured_table(report: Mapping[str, Any]) -> str:
    """Returns the Markdown table of the report of a benchmark.

    Args:
        report: dictionary of `title`, `command`, `note` and `rows`, each a `name`,
            `figures` and optional `columns`, a dictionary of strings.
    """
    tasks = _tasks(figure for row in report["rows"] for figure in row["figures"])
    columns = list(
        dict.fromkeys(c for row in report["rows"] for c in row.get("columns", {}))
    )
    lines = _head(["", *tasks, *columns, "statistics"])
    for row in report["rows"]:
        figures = {_task(figure): figure for figure in row["figures"]}
        cells = [percent(figures[task]) if task in figures else "" for task in tasks]
        cells += [row.get("columns", {}).get(column, "") for column in columns]
        lines.append(_line([row["name"], *cells, _kind(row["figures"][0])]))
    intro = f"## {report['title']}\n\n    {report['command']}\n\n{report['note']}\n\n"
    return intro + "\n".join(lines)


def _table(presets, papers, shipped):
    tasks = _tasks(figure for preset in presets for figure in preset["figures"])
    lines = _head(["model", *tasks, "statistics", "seeds", "CPU minutes"])
    methods = []
    for name in dict.fromkeys(preset["name"] for preset in presets):
        runs = [preset for preset in presets if preset["name"] == name]
        method = _options(runs[0])["method"]
        if method not in methods:
            methods.append(method)
        kinds = dict.fromkeys(_kind(figure) for figure in runs[0]["figures"])
        for kind in kinds:
            cells = [_cell(runs, task, kind) for task in tasks]
            minutes = f"{runs[0]['cpu_minutes']:.0f}"
            model = _model(runs[0], shipped)
            lines.append(_line([model, *cells, kind, len(runs), minutes]))
    for method in dict.fromkeys([*methods, *papers]):
        paper = papers.get(method)
        if paper is None:
            continue
        mark = "†" * paper.get("remembered", False)
        cells = [
            f"{paper['figures'][task]:g}{mark}" if task in paper["figures"] else ""
            for task in tasks
        ]
        lines.append(_line([f"*{method}*", *cells, paper["protocol"], "", ""]))
    return "\n".join(lines) + _protocols(presets)


def _options(metadata):
    """Returns data set, method and filters of a run, of tables or of the flat form."""
    options = metadata["options"]
    if "dataset" in options:
        return {"filters": 64, **options}
    return {
        "dataset": options["data"]["name"],
        "method": options["method"]["name"],
        "filters": options["backbone"].get("filters", 64),
    }


def _model(metadata, shipped):
    """Returns a name, with the filters of blocks that differ, and if it is a recipe."""
    remarks = []
    filters = _options(metadata)["filters"]
    if not isinstance(filters, int):
        remarks.append(f"filters {', '.join(map(str, filters))}")
    if metadata["name"] not in shipped:
        remarks.append("a recipe, not shipped")
    remark = f" ({'; '.join(remarks)})" if remarks else ""
    return f"`{metadata['name']}`{remark}"


def _cell(runs, task, kind):
    """Returns the figure of the first run, and the range if there are several."""
    found = [
        next((f for f in run["figures"] if (_task(f), _kind(f)) == (task, kind)), None)
        for run in runs
    ]
    if found[0] is None:
        return ""
    cell = percent(found[0])
    accuracies = [100 * figure["accuracy"] for figure in found if figure]
    if len(accuracies) > 1:
        cell += f" ({min(accuracies):.2f} to {max(accuracies):.2f})"
    return cell


def _protocols(presets):
    """Returns the protocols of the figures, and the commands that reproduce them."""
    protocols = {
        f"{figure['protocol']['episodes']:,} episodes, queries "
        f"{figure['protocol']['queries']}, seed {figure['protocol']['seed']}"
        for preset in presets
        for figure in preset["figures"]
    }
    commands = [
        f"    {preset['command']}  # {preset['commit']}, {preset['made']}"
        for preset in presets
    ]
    return f"\n\n{'; '.join(sorted(protocols))}.\n\n" + "\n".join(commands)


def _tasks(figures):
    found = {(f["protocol"]["ways"], f["protocol"]["shots"]) for f in figures}
    return [f"{ways}-way {shots}-shot" for ways, shots in sorted(found)]


def _task(figure):
    return f"{figure['protocol']['ways']}-way {figure['protocol']['shots']}-shot"


def _kind(figure):
    protocol = figure["protocol"]
    prior = f", {protocol['prior']} prior" if protocol.get("prior") else ""
    queries = protocol["queries"]
    unequal = "" if isinstance(queries, int) else f", {queries}"
    # Classes of one alphabet are harder to tell apart.
    _, within, groups = protocol.get("dataset", "").partition(", within each of ")
    return (
        f"{protocol['kind']}, {protocol['batch_norm']} BatchNorm{prior}{unequal}"
        f"{within}{groups}"
    )


def _head(columns):
    return [_line(columns), "|" + "---|" * len(columns)]


def _line(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
