"""All heads on the features of one preset's backbone, on the same episodes.

    python benchmarks/zoo_heads.py [--preset NAME] [--episodes 1000]

Omniglot's test classes, 15 queries a class, seed 2; heads that are transductive are
tested on Dirichlet(2) distributed queries too, 5 a class in the mean. SimpleShot is
centred on the training classes, and the whitened head takes its statistics from them.
Writes benchmarks/reports/ after each head, of which `fsl-keras benchmark` makes a
table, and goes on where it was stopped.
"""

import argparse
import json
import pathlib
import shlex
import sys

import fsl_keras as fsl
from fsl_keras import heads
from fsl_keras.evaluation import evaluate
from fsl_keras.files import replacing

from heads import ROWS

REPORT = pathlib.Path(__file__).parent / "reports" / "heads_omniglot.json"
TASKS = ((5, 1), (5, 5), (20, 1), (20, 5))
# Of the 20 drawings of a class 15 are left beside 5 shots: unequal classes need fewer.
UNEQUAL = fsl.episodes.DirichletQueries(5)
# What takes 1,000 steps an episode is in docs/measurements.md.
LEFT_OUT = ("TIM, as the paper", "alpha-TIM, alpha 7")
NOTE = """Omniglot's test classes, {episodes:,} episodes, 15 queries a class, seed 2,
the same for all; unequal queries are 5 a class in the mean, as 20 drawings a class
leave no room for more. The backbone is as it is: nothing is trained but what a head
fits to the support set, and transductive ones to the queries. SimpleShot is centred on
the training classes, and the whitened head takes its statistics from them."""
MORE = {"logistic": ("LogisticHead", {}), "whitened": ("WhitenedHead", {})}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="prototypical_conv4_omniglot")
    parser.add_argument("--episodes", type=int, default=1000)
    arguments = parser.parse_args()
    backbone = fsl.presets.backbone(arguments.preset)
    test, base = (
        fsl.features.embed(fsl.datasets.load("omniglot", split), backbone, 500)
        for split in ("test", "trainval")
    )
    classes = fsl.presets.metadata(arguments.preset)["training_classes"]
    report = {
        "title": f"Heads on the features of `{arguments.preset}`",
        "command": shlex.join(["python", "benchmarks/zoo_heads.py", *sys.argv[1:]]),
        "note": NOTE.format(episodes=arguments.episodes),
        "rows": [],
    }
    report["rows"] = rows = rows_before(report)
    done = {row["name"] for row in rows}
    for name, (class_name, options) in {**ROWS, **MORE}.items():
        if name in LEFT_OUT or name in done:
            continue
        head = getattr(heads, class_name)(**options)
        learner = fsl.models.MetricModel(backbone, head).on_features()
        if learner.has_base_statistics:
            learner.fit_base(base, cache=False)
        kinds = [("", 15)]
        if learner.kind == "transductive":
            kinds.append((", unequal queries", UNEQUAL))
        measured = []
        for suffix, queries in kinds:
            figures = [
                figure(learner, test, task, queries, arguments.episodes, classes)
                for task in TASKS
            ]
            measured.append({"name": name + suffix, "figures": figures})
            accuracies = [f"{100 * figure['accuracy']:.2f}" for figure in figures]
            print(name + suffix, *accuracies, flush=True)
        rows.extend(measured)
        with replacing(REPORT) as beside:
            beside.write_text(json.dumps(report, indent=1))


def rows_before(report):
    """Returns the rows of the file, if it tells of the same preset and episodes."""
    if not REPORT.exists():
        return []
    before = json.loads(REPORT.read_text())
    same = all(before[name] == report[name] for name in ("title", "command", "note"))
    return before["rows"] if same else []


def figure(learner, test, task, queries, count, classes):
    episodes = test.episodes(*task, queries, tasks=10, seed=2, count=count)
    report = evaluate(learner, episodes, training_classes=classes)
    return {
        "accuracy": report.accuracy,
        "ci95": report.ci95,
        "protocol": report.protocol,
    }


if __name__ == "__main__":
    main()
