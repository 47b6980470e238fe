"""Presets of one style of characters on the other: printed and handwritten.

    python benchmarks/cross_style.py

Each preset is tested on the test classes of both data sets, 1,000 episodes of 15
queries a class, seed 2. Characters of Latin, Greek and Cyrillic are in both data sets:
characters, if not drawings, are shared. Writes benchmarks/reports/, of which
`fsl-keras benchmark` makes a table.
"""

import json
import pathlib

import fsl_keras as fsl
from fsl_keras.evaluation import evaluate
from fsl_keras.evaluation.variants import embedded_once
from fsl_keras.files import replacing

REPORT = pathlib.Path(__file__).parent / "reports" / "cross_style.json"
PRESETS = ("prototypical_conv4_glyphs", "prototypical_conv4_omniglot")
TASKS = ((5, 1), (5, 5), (20, 1), (20, 5))


def main():
    rows = []
    for preset in PRESETS:
        learner = fsl.from_preset(preset)
        for dataset in ("glyphs", "omniglot"):
            data = fsl.datasets.load(dataset, "test")
            tested, items = embedded_once(learner, data)
            reports = [
                evaluate(tested, items.episodes(*task, 15, seed=2, count=1000))
                for task in TASKS
            ]
            figures = [
                {"accuracy": r.accuracy, "ci95": r.ci95, "protocol": r.protocol}
                for r in reports
            ]
            rows.append({"name": f"`{preset}` on {dataset}", "figures": figures})
            print(rows[-1]["name"], *(f"{100 * r.accuracy:.2f}" for r in reports))
    report = {
        "title": "From printed to handwritten characters, and back",
        "command": "python benchmarks/cross_style.py",
        "note": "Test classes of either data set, 1,000 episodes, 15 queries a class, "
        "seed 2. Characters of Latin, Greek and Cyrillic are in both data sets, in the "
        "training classes of one and the test classes of the other: what is new is the "
        "style, and for some classes not the character.",
        "rows": rows,
    }
    with replacing(REPORT) as beside:
        beside.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
