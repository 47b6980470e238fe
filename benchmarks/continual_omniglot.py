"""600 characters of Omniglot learned in sequence.

    python benchmarks/continual_omniglot.py FOLDER --output benchmarks/reports
    python benchmarks/continual_omniglot.py FOLDER --output benchmarks/reports \\
        --background 200

For each seed 200 background and 400 evaluation characters are drawn, and the drawings
of each that are learned. The first session has the 200 background characters, 15
drawings to learn and 5 to test on. Then come 20 sessions of 20 evaluation characters, 5
drawings to learn and 15 to test on. The backbone is trained before on all 964
background characters without the drawings that are tested, or with `--background 200`
on the 15 drawings of the first session alone, and never changes: a Conv-4 without the
last pooling, whose embeddings of nine views of a drawing are averaged. It is kept in
FOLDER, and a second call goes on where the first one stopped. No rotations as classes;
running batch normalization. All settings were chosen on the last five background
alphabets, with backbones of the other 25.
"""

import argparse
import pathlib

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.heads import LinearDiscriminantHead, StreamingRidgeHead
from fsl_keras.training.augmentation import augmentation

import continual_protocol
from kept_backbones import kept, muon

KNOWN, SESSIONS, NEW = 200, 20, 20
DRAWINGS, LEARNED_OF_KNOWN, LEARNED_OF_NEW = 20, 15, 5
WAYS, QUERIES = 60, 5
HEADS = {
    "nearest centroid": lambda: "prototypes",
    "nearest centroid by cosine": lambda: "cosine",
    "linear discriminant analysis": lambda: LinearDiscriminantHead(0.5),
    # Favors classes with more examples to learn from, here those of the first session.
    "recursive ridge regression": lambda: StreamingRidgeHead(),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where backbones are kept")
    parser.add_argument("--background", choices=["all", "200"], default="all")
    parser.add_argument("--steps", type=int, help="1600, or 500 on 200 characters")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    steps = arguments.steps or {"all": 1600, "200": 500}[arguments.background]
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
        backbone, cpu_minutes = kept(path, trained, base, seed, steps)
        backbone = fsl.backbones.MultiView(backbone)
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
    write(arguments, reports, minutes)


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
    """Returns the backbone of a prototypical network, trained on episodes."""
    keras.utils.set_random_seed(seed)
    backbone = fsl.backbones.Conv4(data.item_shape, pooled_blocks=3)
    learner = fsl.models.PrototypicalNetwork(backbone)
    learner.compile(muon(5e-3, steps))
    episodes = data.episodes(
        WAYS, 1, QUERIES, seed=seed, augmentation=augmentation(data.item_shape)
    )
    learner.fit(episodes, steps_per_epoch=steps, verbose=2)
    return learner.backbone


def write(arguments, reports, minutes):
    """Writes a report of all heads, one row each, and a chart."""
    background = {"all": "all 964", "200": "the first 200"}[arguments.background]
    protocol = {
        "dataset": "omniglot/lake",
        "ways": KNOWN + SESSIONS * NEW,
        "shots": LEARNED_OF_NEW,
        "queries": DRAWINGS - LEARNED_OF_NEW,
        "seeds": list(range(arguments.seeds)),
        "kind": "inductive",
        "batch_norm": "running",
    }
    continual_protocol.write(
        arguments.output / f"continual_omniglot_{arguments.background}",
        "Continual learning: 600 characters of Omniglot, the backbone trained on "
        f"{background} background characters",
        "python benchmarks/continual_omniglot.py FOLDER --output benchmarks/reports "
        f"--background {arguments.background}",
        f"Accuracy after the last of {SESSIONS + 1} sessions over all 600 characters, "
        f"{arguments.seeds} seeds, 95% intervals over them. {np.mean(minutes):.0f} CPU "
        f"minutes of training for each backbone.",
        continual_protocol.rows_of(reports, protocol, "nearest centroid"),
        reports,
    )


if __name__ == "__main__":
    main()
