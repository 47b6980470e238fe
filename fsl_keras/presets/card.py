"""The card of a preset: what people read before they use it."""

import json

# What of a protocol is told under a figure.
TOLD = ("dataset", "episodes", "queries", "seed", "kind", "batch_norm", "overlap")


def model_card(told):
    """Returns the Markdown of the card.

    Args:
        told: dictionary, the metadata of a preset; what is missing is left out.
    """
    name = told["name"]
    parts = [f"# {name}", told.get("description"), _use(name), _figures(told)]
    return "\n\n".join(part for part in [*parts, _made(told)] if part) + "\n"


def percent(figure):
    """Returns accuracy and interval of a figure as a cell."""
    return f"{100 * figure['accuracy']:.2f} ± {100 * figure['ci95']:.2f}"


def _use(name):
    return (
        f'```python\nimport fsl_keras as fsl\n\nmodel = fsl.from_preset("{name}")\n```'
    )


def _figures(told):
    figures = told.get("figures")
    if not figures:
        return None
    lines = ["| task | accuracy, % | protocol |", "|---|---|---|"]
    for figure in figures:
        protocol = figure["protocol"]
        spelled = ", ".join(
            f"{key} {protocol[key]}" for key in TOLD if protocol.get(key) is not None
        )
        lines.append(
            f"| {protocol['ways']}-way {protocol['shots']}-shot | {percent(figure)} "
            f"| {spelled} |"
        )
    return "Accuracies with 95% intervals over episodes:\n\n" + "\n".join(lines)


def _made(told):
    options = told.get("options", {})
    classes = told.get("training_classes")
    rows = {
        "model": told["model"],
        "made by": f"`{told['command']}`" if "command" in told else None,
        "training data": told.get("data"),
        "training classes": classes and f"{len(classes)}, named in `metadata.json`",
        "options": options and f"`{json.dumps(options)}`",
        "CPU minutes": told.get("cpu_minutes"),
        "commit": told.get("commit"),
        "made": told["made"],
        "versions": ", ".join(f"{k} {v}" for k, v in told["versions"].items()),
        "licence": told.get("licence"),
    }
    lines = [f"- {key}: {value}" for key, value in rows.items() if value]
    return "\n".join(lines)
