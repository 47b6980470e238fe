"""The commands that list what there is: presets, recipes, methods, backbones, data."""

from fsl_keras import presets
from fsl_keras.cli.options import HASHED
from fsl_keras.cli.output import AsCsv, AsJson, Output
from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.presets.card import percent
from fsl_keras.training import recipes
from fsl_keras.training.backbones import BACKBONES
from fsl_keras.training.methods import METHODS


def list_presets(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the trained models that come with the package."""
    rows, text = [], []
    for name in presets.list():
        known = presets.metadata(name)
        figures = known.get("figures", [])
        rows.append({"preset": name, "data": known.get("data"), "figures": figures})
        cells = {
            (figure["protocol"]["ways"], figure["protocol"]["shots"]): percent(figure)
            for figure in reversed(figures)
        }
        text.append(
            {
                "preset": name,
                "trained on": known.get("data"),
                "accuracy on unseen classes, %": ", ".join(
                    f"{ways}w{shots}s {cells[ways, shots]}"
                    for ways, shots in sorted(cells)
                ),
            }
        )
    out = Output(as_json, as_csv)
    out.table("presets", rows, text)
    out.finish()


def list_methods(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the methods, with paper, kind and what they do when classes come later."""
    rows = [
        {
            "method": name,
            "paper": method.paper,
            "kind": method.kind,
            "new_classes": None if method.head_name else method.incremental,
            "streams": method.streams,
            "options": {**method.options, **method.arguments},
        }
        for name, method in METHODS.items()
    ]
    text = [
        {
            "method": row["method"],
            "paper": row["paper"],
            "kind": row["kind"],
            "new classes": row["new_classes"] or "makes no classifier",
            "trains on": ", ".join(dict.fromkeys(row["streams"])),
            "options": _spelled(row["options"]),
        }
        for row in rows
    ]
    out = Output(as_json, as_csv)
    out.table("methods", rows, text)
    out.finish()


def list_backbones(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the backbones, with paper, what they take and their options."""
    rows = [
        {
            "backbone": name,
            "paper": backbone.paper,
            "inputs": backbone.inputs,
            "options": backbone.options,
        }
        for name, backbone in BACKBONES.items()
    ]
    text = [
        {**row, "options": _spelled(row["options"])}
        for row in [
            *rows,
            {
                "backbone": "mobilenet_v2 and others",
                "paper": "",
                "inputs": "RGB; frozen networks of keras.applications",
                "options": {"weights": "imagenet"},
            },
            {
                "backbone": HASHED,
                "paper": "",
                "inputs": "sentences; n-grams of characters and pairs of words "
                "(--encoder)",
                "options": {},
            },
            {
                "backbone": "all-MiniLM-L6-v2 and others",
                "paper": "Reimers & Gurevych, 2019",
                "inputs": "sentences; frozen language models: a folder, or a name of "
                "keras-hub or Hugging Face (--encoder)",
                "options": {"pooling": "mean", "prefix": '""'},
            },
        ]
    ]
    out = Output(as_json, as_csv)
    out.table("backbones", rows, text)
    out.finish()


def list_recipes(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the recipes, with what their presets reach."""
    rows = [
        {
            "recipe": name,
            "data": recipes.tables(name)["data"]["name"],
            "figures": recipes.figures(name),
        }
        for name in recipes.names()
    ]
    text = [
        {
            "recipe": row["recipe"],
            "data": row["data"],
            "accuracy on unseen classes, %": ", ".join(
                f"{task} {figure}"
                for task, figure in row["figures"].items()
                if task != "cpu_minutes"
            ),
            "CPU minutes": str(row["figures"]["cpu_minutes"]),
        }
        for row in rows
    ]
    out = Output(as_json, as_csv)
    out.table("recipes", rows, text)
    out.finish()


def list_datasets(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the data sets that can be loaded by name."""
    rows = [
        {"name": name, "description": entry.description}
        for name, entry in DATASETS.items()
    ]
    text = [
        {"name": row["name"], "what it is": row["description"]}
        for row in [
            *rows,
            {"name": "any other", "description": "a set of TensorFlow Datasets"},
        ]
    ]
    out = Output(as_json, as_csv)
    out.table("datasets", rows, text)
    out.finish()


def _spelled(options):
    return ", ".join(f"{name}={value}" for name, value in options.items())
