"""The model card of a preset."""

import json
from collections.abc import Mapping
from typing import Any

# The parts of a protocol that are listed with a figure.
LISTED = ("dataset", "episodes", "queries", "seed", "kind", "batch_norm", "overlap")


def model_card(metadata: Mapping[str, Any]) -> str:
    """Returns the Markdown of the card.

    Args:
        metadata: dictionary, the metadata of a preset; missing items are left out.
    """
    name = metadata["name"]
    parts = [f"# {name}", metadata.get("description"), _use(name), _figures(metadata)]
    return "\n\n".join(part for part in [*parts, _made(metadata)] if part) + "\n"


def percent(figure: Mapping[str, Any]) -> str:
    """Returns accuracy and interval of a figure as a cell."""
    return f"{100 * figure['accuracy']:.2f} ± {100 * figure['ci95']:.2f}"


def _use(name):
    return (
        f'```python\nimport fsl_keras as fsl\n\nmodel = fsl.from_preset("{name}")\n```'
    )


def _figures(metadata):
    figures = metadata.get("figures")
    if not figures:
        return None
    lines = ["| task | accuracy, % | protocol |", "|---|---|---|"]
    for figure in figures:
        protocol = figure["protocol"]
        spelled = ", ".join(
            f"{key} {protocol[key]}" for key in LISTED if protocol.get(key) is not None
        )
        lines.append(
            f"| {protocol['ways']}-way {protocol['shots']}-shot | {percent(figure)} "
            f"| {spelled} |"
        )
    return "Accuracies with 95% intervals over episodes:\n\n" + "\n".join(lines)


def _made(metadata):
    options = metadata.get("options", {})
    classes = metadata.get("training_classes")
    rows = {
        "model": metadata["model"],
        "made by": f"`{metadata['command']}`" if "command" in metadata else None,
        "training data": metadata.get("data"),
        "training classes": classes and f"{len(classes)}, named in `metadata.json`",
        "options": options and f"`{json.dumps(options)}`",
        "CPU minutes": metadata.get("cpu_minutes"),
        "commit": metadata.get("commit"),
        "made": metadata["made"],
        "versions": ", ".join(f"{k} {v}" for k, v in metadata["versions"].items()),
        "licence": metadata.get("licence"),
    }
    lines = [f"- {key}: {value}" for key, value in rows.items() if value]
    return "\n".join(lines)
