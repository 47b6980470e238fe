"""Every method, trained for few steps, beside its own untrained self.

    python benchmarks/methods.py runs/methods [--methods maml feat] [--steps 400]

Each is trained on `glyphs` as by `fsl-keras train`, with the options that suit it but
for the number of steps, on a Conv-4 of 64 filters, and tested on the same 300 episodes
of 5 classes of scripts it never saw. Untrained is the same network with its first
weights, its statistics of batch normalization set by 100 batches of training pictures.
Methods that answer by the statistics of all queries are tested as a classifier would
answer, too, and transductive heads on Dirichlet(2) distributed queries. Each is
wanted to gain at least 10 points of 1-shot accuracy.
"""

import argparse
import pathlib

import fsl_keras as fsl
import keras
from fsl_keras.episodes import DirichletQueries
from fsl_keras.evaluation import evaluate, paired_differences
from fsl_keras.training import METHODS, Options, Run, train
from fsl_keras.training.learners import make_learner

EPISODES, SEED = 300, 2
MARGIN = 0.1


def options_of(name, steps):
    changes = {} if steps is None else {"steps": steps, "steps_per_epoch": steps // 2}
    return Options.suited({"method": {"name": name}, "train": changes})


def untrained(options, data):
    """The method with its first weights; running statistics need some pictures."""
    keras.utils.set_random_seed(options.train.seed)
    learner = make_learner(
        data.item_shape, options.method, options.backbone, options.train.ways
    )
    network = getattr(learner, "backbone", None) or learner.network
    for pictures, _ in data.batches(256, seed=SEED, count=100):
        network(pictures, training=True)
    if learner.has_base_statistics:
        learner.fit_base(data, cache=False)
    return learner


def row(name, steps, folder, data, test):
    options = options_of(name, steps)
    # The ways that methods of fixed ways were made for.
    exams = [
        test.episodes(5, shots, 15, tasks=10, seed=SEED, count=EPISODES)
        for shots in (1, 5)
    ]
    first = evaluate(untrained(options, data), exams[0], "untrained")
    learner = train(Run(folder / name, options))
    reports = [evaluate(learner, exam, name) for exam in exams]
    (gain,) = paired_differences([first, reports[0]])
    cells = [name, _spelled(first)]
    cells += [_spelled(report) for report in reports]
    cells += [f"{100 * gain.difference:+.1f} ± {100 * gain.ci95:.1f}"]
    if METHODS[name].head is not None:
        unequal = test.episodes(
            5, 1, DirichletQueries(15), tasks=10, seed=SEED, count=EPISODES
        )
        cells += ["", _spelled(evaluate(learner, unequal, name))]
    elif learner.kind == "transductive":
        cells += [_spelled(evaluate(learner.deployable(), exams[0], name)), ""]
    else:
        cells += ["", ""]
    return cells, gain.difference


def _spelled(report):
    told = report.protocol
    return (
        f"{100 * report.accuracy:.1f} ± {100 * report.ci95:.1f} ({told['batch_norm']})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the runs are written")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--steps", type=int, help="training steps of each method")
    arguments = parser.parse_args()
    data, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))
    columns = ["method", "untrained 1-shot", "1-shot", "5-shot"]
    columns += ["gain, points", "1-shot as a classifier", "1-shot, unequal queries"]
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns), flush=True)
    gains = {}
    for name in arguments.methods:
        cells, gains[name] = row(name, arguments.steps, arguments.folder, data, test)
        print("| " + " | ".join(cells) + " |", flush=True)
    short = [name for name, gain in gains.items() if gain < MARGIN]
    least = 100 * min(gains.values())
    print(f"\nLeast gain: {least:.1f} points; under {100 * MARGIN:.0f}: {short}")


if __name__ == "__main__":
    main()
