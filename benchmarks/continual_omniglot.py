"""600 characters of Omniglot learned in sequence.

    python benchmarks/continual_omniglot.py FOLDER --output benchmarks/reports
    python benchmarks/continual_omniglot.py FOLDER --output benchmarks/reports \\
        --background 200

For each seed 200 background and 400 evaluation characters are drawn, and the drawings
of each that are learned. The first session has the 200 background characters, 15
drawings to learn and 5 to test on. Then come 20 sessions of 20 evaluation characters, 5
drawings to learn and 15 to test on. The backbone is trained before on all 964
background characters without the drawings that are tested, or with `--background 200`
on the 15 drawings of the first session alone, and never changes. It is kept in FOLDER,
and a second call goes on where the first one stopped. No rotations as classes; running
batch normalization. All settings were chosen on the last five background alphabets,
with backbones of the other 25.
"""

import argparse
import pathlib
import shlex
import sys

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.files import write_json
from fsl_keras.heads import LinearDiscriminantHead, StreamingRidgeHead
from fsl_keras.training.augmentation import augmentation

from kept_backbones import kept, muon
from text_protocol import mean_and_interval

KNOWN, SESSIONS, NEW = 200, 20, 20
DRAWINGS, LEARNED_OF_KNOWN, LEARNED_OF_NEW = 20, 15, 5
BATCH = 256
HEADS = {
    "nearest centroid": lambda: "prototypes",
    "nearest centroid by cosine": lambda: "cosine",
    "linear discriminant analysis": lambda: LinearDiscriminantHead(0.2),
    "recursive ridge regression": lambda: StreamingRidgeHead(),
}
FIGURES = (
    "last_accuracy",
    "average_accuracy",
    "forgetting",
    "forgetting_among_known",
    "loss_to_new_classes",
    "joint_gap",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where backbones are kept")
    parser.add_argument("--background", choices=["all", "200"], default="all")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    background, evaluation = (
        fsl.datasets.load("omniglot/lake", split) for split in ("trainval", "test")
    )
    reports, minutes = {name: [] for name in HEADS}, []
    for seed in range(arguments.seeds):
        rng = np.random.default_rng(seed)
        known = background.subset(rng.permutation(len(background))[:KNOWN])
        new = evaluation.subset(rng.permutation(len(evaluation))[: SESSIONS * NEW])
        known, tested_known = divided(known, LEARNED_OF_KNOWN, rng)
        new, tested_new = divided(new, LEARNED_OF_NEW, rng)
        base = known
        if arguments.background == "all":
            base = without(background, tested_known)
        path = arguments.folder / f"background_{arguments.background}_{seed}.keras"
        backbone, cpu_minutes = kept(path, trained, base, seed, arguments.steps)
        minutes.append(cpu_minutes)
        sessions = [examples(known)] + [
            examples(new.subset(range(start, start + NEW)))
            for start in range(0, len(new), NEW)
        ]
        test = [np.concatenate(parts) for parts in zip(
            examples(tested_known), examples(tested_new), strict=True)]  # fmt: skip
        for name, make in HEADS.items():
            learner = fsl.models.TransferLearner(backbone, make())
            report = fsl.continual.evaluate(learner, sessions, test, name, cache=False)
            reports[name].append(report)
            print(f"seed {seed} | {report}", flush=True)
    write(arguments, reports, minutes, len(test[1]))


def divided(data, learned, rng):
    """Returns two data sets of the same classes: drawings to learn, and to test on."""
    orders = [rng.permutation(rows) for rows in data.class_rows]
    return tuple(
        fsl.ClassDataset(data.items, rows, data.class_names, data.name)
        for rows in ([o[:learned] for o in orders], [o[learned:] for o in orders])
    )


def without(data, other):
    """Returns a data set without the items of another, of the same array of items."""
    left_out = np.concatenate(other.class_rows)
    rows = [np.setdiff1d(rows, left_out) for rows in data.class_rows]
    return fsl.ClassDataset(data.items, rows, data.class_names, data.name)


def examples(data):
    """Returns images in [0, 1] and the name of the class of each."""
    images = data.fetch(np.arange(data.class_sizes.sum())).numpy()
    return images, np.repeat(data.class_names, data.class_sizes)


def trained(data, seed, steps):
    """Returns a backbone that was trained to classify the characters of a data set."""
    keras.utils.set_random_seed(seed)
    backbone = fsl.backbones.Conv4(data.item_shape)
    model = fsl.pretraining.SupervisedPretraining(backbone, len(data), "cosine")
    model.compile(muon(1e-2, steps))
    batches = data.batches(BATCH, seed=seed, augmentation=augmentation(data.item_shape))
    model.fit(batches, steps_per_epoch=steps, verbose=2)
    return backbone


def write(arguments, reports, minutes, queries):
    """Writes a report of all heads, one row each, and a chart."""
    background = {"all": "all 964", "200": "the first 200"}[arguments.background]
    seeds = list(range(arguments.seeds))
    protocol = {
        "dataset": "omniglot/lake",
        "ways": KNOWN + SESSIONS * NEW,
        "shots": LEARNED_OF_NEW,
        "queries": DRAWINGS - LEARNED_OF_NEW,
        "seeds": seeds,
        "kind": "inductive",
        "batch_norm": "running",
    }
    rows = []
    for name, found in reports.items():
        last = [report.last_accuracy for report in found]
        accuracy, ci95 = mean_and_interval(last, queries)
        print(f"{name}: {100 * accuracy:.2f} ± {100 * ci95:.2f}")
        row = {
            "name": name,
            "figures": [{"accuracy": accuracy, "ci95": ci95, "protocol": protocol}],
            "memory_bytes": int(found[0].memory_bytes[-1]),
            "seconds_per_session": float(np.mean([r.seconds for r in found])),
            "accuracy_by_session": np.mean(
                [report.accuracy_by_session for report in found], axis=0
            ).tolist(),
        }
        for figure in FIGURES:
            row[figure] = float(np.mean([getattr(r, figure) for r in found]))
        rows.append(row)
    name = f"continual_omniglot_{arguments.background}"
    write_json(
        arguments.output / f"{name}.json",
        {
            "title": "Continual learning: 600 characters of Omniglot, the backbone "
            f"trained on {background} background characters",
            "command": shlex.join(["python", *sys.argv]),
            "note": "Accuracy after the last of 21 sessions over all 600 classes, "
            f"{arguments.seeds} seeds, 95% intervals over them. "
            f"{np.mean(minutes):.0f} CPU minutes of training for each backbone.",
            "rows": rows,
        },
    )
    figure = fsl.plots.accuracy_by_session(
        {
            name: np.stack([report.accuracy_by_session for report in found])
            for name, found in reports.items()
        },
        np.cumsum([len(part) for part in found[0].classes]),
    )
    figure.savefig(arguments.output / f"{name}.png", dpi=150)


if __name__ == "__main__":
    main()
