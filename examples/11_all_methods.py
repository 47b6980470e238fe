"""Many heads on the same frozen features and the same episodes.

A backbone is trained to classify the training scripts and then frozen; its features of
unseen scripts are computed once. A method is then only a head, which learns from one
labeled example of each of five classes. Transductive heads use all queries at once and
must be compared with one another only; most assume that every class has the same
number of queries, so they are also tested where this is not so.

Printed, 5-way, 600 episodes (seed 2), features of a classifier trained for 200 steps,
1-shot / 5-shot: prototypes 87.9 / 95.5%, ridge 86.9 / 96.4%, linear 88.0 / 96.7%, with
paired differences. Transductive, 1-shot with 15 queries of each class / with
Dirichlet(2) queries: LaplacianShot 92.7 / 92.3%, TIM 94.8 / 90.2%, PT-MAP 95.6 / 85.6%.

    python examples/11_all_methods.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras import heads

PICTURES = pathlib.Path(__file__).parent / "pictures"

HEADS = {
    "nearest neighbour": heads.NearestNeighborHead,
    "prototypes": heads.PrototypeHead,
    "prototypes, cosine": lambda: heads.PrototypeHead(distance="cosine"),
    "SimpleShot": heads.SimpleShotHead,
    "attention": heads.MatchingHead,
    "ridge": heads.RidgeHead,
    "linear": heads.LinearHead,
    "linear, cosine": lambda: heads.LinearHead(similarity="cosine"),
    "soft k-means": heads.SoftKMeansHead,
    "BD-CSPN": heads.BDCSPNHead,
    "LaplacianShot": heads.LaplacianShotHead,
    "TIM": heads.TIMHead,
    "alpha-TIM": lambda: heads.TIMHead(alpha=2.0),
    "PT-MAP": heads.PTMAPHead,
    "fine-tuning": heads.TransductiveFinetuningHead,
}


def main(folder=PICTURES, steps=200, count=600, heads_by_name=HEADS):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))
    backbone = fsl.backbones.Conv4(train.item_shape)
    classifier = fsl.pretraining.SupervisedPretraining(backbone, classes=len(train))
    classifier.compile()
    classifier.fit(
        train.batches(128, augmentation=fsl.layers.augmentation.RandomAffine()),
        steps_per_epoch=steps,
        verbose=2,
    )
    base, features = features_of(backbone, train), features_of(backbone, test)
    nothing = keras.Sequential(
        [keras.Input(features.item_shape), keras.layers.Identity()]
    )

    # Shots and queries of each class; episode i of a seed has the same classes in all.
    protocols = {
        "1-shot": (1, 15),
        "1-shot, unequal queries": (1, fsl.episodes.DirichletQueries(15)),
        "5-shot": (5, 15),
    }
    exams = {
        exam: features.episodes(5, shots, queries, tasks=50, seed=2, count=count)
        for exam, (shots, queries) in protocols.items()
    }
    reports = {exam: [] for exam in exams}
    for name, make in heads_by_name.items():
        head = make()
        model = fsl.models.MetricModel(nothing, head)
        if model.has_base_statistics:
            model.fit_base(base, cache=False)
        for exam, episodes in exams.items():
            report = fsl.evaluation.evaluate(model, episodes, name)
            reports[exam].append(report)
    for exam, rows in reports.items():
        print(f"\n5-way {exam}, {count} episodes")
        print_table(rows)
    draw(reports).savefig(folder / "11_all_methods.png", dpi=80)
    return {exam: {r.name: r.accuracy for r in rows} for exam, rows in reports.items()}


def features_of(backbone, data):
    """The features of a data set as a data set of vectors."""
    names = data.class_names
    items = [data.class_items(name) for name in names]
    labels = np.repeat(np.arange(len(names)), [len(part) for part in items])
    pictures = np.concatenate(items) / np.float32(255)
    vectors = backbone.predict(pictures, batch_size=256, verbose=0)
    return fsl.ClassDataset.from_arrays(vectors, labels, names, data.name)


def print_table(reports):
    """Prints accuracies, and by how much each is above prototypes, paired."""
    reports = sorted(reports, key=lambda report: report.name != "prototypes")
    differences = fsl.evaluation.paired_differences(reports)
    print(f"{'head':20} {'kind':13} {'accuracy':14} paired difference")
    for report, paired in zip(reports, [None, *differences], strict=True):
        row = report.row()
        gain = ""
        if paired:
            gain = f"{100 * paired.difference:+.2f} ± {100 * paired.ci95:.2f}"
        kind = report.protocol["kind"]
        print(f"{report.name:20} {kind:13} {row['accuracy']:14} {gain}")


def draw(reports):
    """Draws accuracies with intervals, inductive and transductive heads apart."""
    first = next(iter(reports.values()))
    return fsl.plots.comparison(
        [report.name for report in first],
        {exam: [r.accuracy for r in rows] for exam, rows in reports.items()},
        {exam: [r.ci95 for r in rows] for exam, rows in reports.items()},
        groups=[report.protocol["kind"] for report in first],
        label="5-way accuracy with 95% interval",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
