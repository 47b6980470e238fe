"""Training on Omniglot without labels, and with labels of 48 characters.

    python benchmarks/self_supervised.py FOLDER --output benchmarks/reports

A Conv-4 is trained on the drawings of all 964 background characters, without labels: by
SimCLR, then on episodes of clusters of its embeddings, which are made anew several
times. For each seed 48 of the characters are drawn. Their labels train a prototypical
network on episodes: from random weights, or from those that were trained without
labels. Both pass as many images through the network altogether, so they take about as
long; the minutes are in the report.

All are tested on the same episodes of the 659 evaluation characters, across alphabets,
15 queries, no rotations as classes, running batch normalization; 95% intervals over the
seeds. Networks are kept in FOLDER, and a second call goes on where the first one
stopped. Settings were chosen on the last five background alphabets, with networks that
were trained on the other 25.
"""

import argparse
import pathlib
import shlex
import sys

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.files import write_json
from fsl_keras.models import PrototypicalNetwork, TransferLearner
from fsl_keras.training.augmentation import augmentation, views

from kept_backbones import kept, muon
from machine import describe
from text_protocol import mean_and_interval

LABELED, WAYS, QUERIES = 48, 48, 5
BATCH = 256
CLUSTER_WAYS, CLUSTER_QUERIES, CLUSTERINGS = 100, 3, 7
PROTOCOLS = ((5, 1), (20, 1))
EPISODES, TEST_SEED = 1000, 2
RANDOM, SIMCLR, ALONE = "random weights", "SimCLR", "SimCLR, then its clusters"
EPISODIC, BOTH = "48 labeled characters", "no labels, then 48 labeled characters"
# As each was trained.
HEADS = {RANDOM: "cosine", SIMCLR: "cosine"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where networks are kept")
    parser.add_argument("--steps", type=int, default=300, help="of SimCLR")
    parser.add_argument(
        "--cluster-steps", type=int, default=300, help="after each clustering"
    )
    parser.add_argument("--labeled-steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    data, test = (
        fsl.datasets.load("omniglot/lake", split) for split in ("trainval", "test")
    )
    measured = {}
    for seed in range(arguments.seeds):
        for name, backbone, minutes in networks(data, seed, arguments):
            learner = TransferLearner(
                backbone, HEADS.get(name, "prototypes")
            ).on_features()
            embedded = fsl.features.embed(test, backbone, cache=False)
            found = measured.setdefault(name, {p: [] for p in PROTOCOLS})
            found.setdefault("minutes", []).append(minutes)
            for protocol in PROTOCOLS:
                exam = embedded.episodes(
                    *protocol, 15, tasks=10, seed=TEST_SEED, count=EPISODES
                )
                report = fsl.evaluation.evaluate(learner, exam, name)
                found[protocol].append(report.accuracy)
                print(f"seed {seed}, {minutes:.1f} CPU minutes | {report}", flush=True)
    write(arguments, measured)


def networks(data, seed, arguments):
    """Yields name, backbone and CPU minutes of each kind of training."""
    folder = arguments.folder / f"seed{seed}"
    labeled = data.subset(np.random.default_rng(seed).permutation(len(data))[:LABELED])
    images = 2 * BATCH * arguments.steps
    images += (
        CLUSTERINGS * arguments.cluster_steps * CLUSTER_WAYS * (1 + CLUSTER_QUERIES)
    )
    of_step = WAYS * (1 + QUERIES)

    def network():
        keras.utils.set_random_seed(seed)
        return fsl.backbones.Conv4(data.item_shape)

    def random():
        backbone = network()
        # The running statistics of batch normalization need some images.
        for batch, _ in data.batches(BATCH, seed=seed, count=100):
            backbone(batch, training=True)
        return backbone

    def simclr():
        backbone = network()
        model = fsl.pretraining.SimCLR(backbone, views(data.item_shape))
        model.compile(muon(1e-2, arguments.steps))
        batches = data.batches(BATCH, seed=seed)
        model.fit(batches, steps_per_epoch=arguments.steps, verbose=2)
        return backbone

    def episodic(backbone, classes, steps, rate=5e-3, ways=WAYS, queries=QUERIES):
        learner = PrototypicalNetwork(backbone)
        learner.compile(muon(rate, steps))
        episodes = classes.episodes(
            ways, 1, queries, seed=seed, augmentation=augmentation(data.item_shape)
        )
        learner.fit(episodes, steps_per_epoch=steps, verbose=2)
        return backbone

    def clustered(backbone):
        for _ in range(CLUSTERINGS):
            classes = fsl.pretraining.pseudo_classes(data, backbone, seed=seed)
            steps = arguments.cluster_steps
            episodic(backbone, classes, steps, 1e-2, CLUSTER_WAYS, CLUSTER_QUERIES)
        return backbone

    yield RANDOM, random(), 0.0
    contrastive, minutes = kept(folder / "simclr.keras", simclr)
    yield SIMCLR, contrastive, minutes
    pretrained, further = kept(folder / "clusters.keras", clustered, contrastive)
    minutes += further
    yield ALONE, pretrained, minutes
    steps = images // of_step + arguments.labeled_steps
    yield (
        EPISODIC,
        *kept(folder / "episodic.keras", lambda: episodic(network(), labeled, steps)),
    )
    both, further = kept(
        folder / "both.keras", episodic, pretrained, labeled, arguments.labeled_steps
    )
    yield BOTH, both, minutes + further


def write(arguments, measured):
    """Writes a report with a row for each kind of training."""
    seeds = list(range(arguments.seeds))
    gain = np.subtract(measured[BOTH][20, 1], measured[EPISODIC][20, 1])
    rows = []
    for name, found in measured.items():
        figures = []
        for ways, shots in PROTOCOLS:
            accuracy, ci95 = mean_and_interval(found[ways, shots], EPISODES)
            protocol = {
                "dataset": "omniglot/lake",
                "ways": ways,
                "shots": shots,
                "queries": 15,
                "episodes": EPISODES,
                "seed": TEST_SEED,
                "seeds": seeds,
                "kind": "inductive",
                "batch_norm": "running",
            }
            figures.append({"accuracy": accuracy, "ci95": ci95, "protocol": protocol})
            print(f"{name}, {ways}-way: {100 * accuracy:.2f} ± {100 * ci95:.2f}")
        rows.append(
            {
                "name": name,
                "figures": figures,
                "columns": {"CPU minutes": f"{np.mean(found['minutes']):.1f}"},
                "accuracies": {f"{w}-way": found[w, s] for w, s in PROTOCOLS},
            }
        )
    mean, half = mean_and_interval(gain, EPISODES)
    spelled = f"{100 * mean:+.2f} ± {100 * half:.2f}"
    rows[-1]["columns"][f"minus {EPISODIC}, 20-way"] = spelled
    print(f"{BOTH} minus {EPISODIC}, 20-way: {spelled}")
    write_json(
        arguments.output / "self_supervised.json",
        {
            "title": "Omniglot without labels, and with labels of 48 characters",
            "command": shlex.join(["python", *sys.argv]),
            "processor": describe(),
            "note": "Trained on drawings of the 964 background characters, tested on "
            "the 659 evaluation characters across alphabets. The two with labels of 48 "
            "characters pass as many images through the network altogether. Mean of "
            f"{arguments.seeds} seeds, 95% intervals over them.",
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
