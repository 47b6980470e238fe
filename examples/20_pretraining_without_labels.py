"""Pretraining without labels: views of one image become similar, and classes appear.

SimCLR shows a network two random views of each image, and trains it to find the second
view among all others (Chen et al., 2020, https://arxiv.org/abs/2002.05709). No label is
used. The network then compares characters of scripts it never saw by nearest centroid,
beside a network with random weights and one that was trained on episodes with labels
for as many steps.

    python examples/20_pretraining_without_labels.py [FOLDER FOR THE IMAGES]

Printed, 5-way 1-shot, 15 queries per class, 300 episodes (seed 2), cosine similarity,
running batch normalization: random weights 53.4% ± 1.2%, without labels 85.6% ± 1.1%,
with labels 89.5% ± 1.0%.
"""

import pathlib
import sys

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.pretraining import SimCLR
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
EPOCHS = 10


def main(folder=PICTURES, steps=30, count=300):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))
    exam = test.episodes(ways=5, shots=1, queries=15, tasks=10, seed=2, count=count)

    def network():
        keras.utils.set_random_seed(0)
        return fsl.backbones.Conv4(train.item_shape, filters=32)

    def learner_of(backbone):
        return fsl.models.PrototypicalNetwork(backbone, distance="cosine")

    # The statistics of batch normalization need some images.
    random = network()
    for images, _ in train.batches(256, seed=0, count=20):
        random(images, training=True)

    model = SimCLR(network(), RandomAffine(seed=0))
    model.compile()
    unlabeled = train.batches(256, seed=0)  # its labels serve the probe alone
    history = model.fit(unlabeled, steps_per_epoch=steps, epochs=EPOCHS, verbose=2)

    supervised = learner_of(network())
    supervised.compile()
    supervised.fit(
        train.episodes(
            ways=60, shots=1, queries=5, seed=0, augmentation=RandomAffine()
        ),
        steps_per_epoch=steps * EPOCHS,
        verbose=2,
    )
    learners = {
        "random weights": learner_of(random),
        "without labels": learner_of(model.backbone),
        "with labels": supervised,
    }
    reports = {
        name: fsl.evaluation.evaluate(learner, exam, name)
        for name, learner in learners.items()
    }
    for report in reports.values():
        print(report)
    draw(model, train, history.history, reports, folder)
    return {name: report.accuracy for name, report in reports.items()}


def draw(model, data, history, reports, folder, shown=6):
    """Draws views, the progress of training, and the accuracies."""
    images, _ = next(iter(data.batches(shown, seed=3)))
    views = np.asarray(model.make_views(images)).reshape(2, shown, *data.item_shape)
    rows = {"image": np.asarray(images), "one view": views[0], "another": views[1]}
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=(1.25, 1, 1))
    left.suptitle("What the network is shown")
    places = left.subplots(len(rows), shown)
    for axes, (name, found) in zip(places, rows.items(), strict=True):
        for place, image in zip(axes, found, strict=True):
            place.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
            place.set_xticks([])
            place.set_yticks([])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    middle.suptitle("Training, without labels")
    axes = middle.subplots()
    epochs = range(1, len(history["loss"]) + 1)
    axes.plot(epochs, history["loss"], color="C0")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss", color="C0")
    probe = axes.twinx()
    probe.plot(epochs, [100 * p for p in history["probe_accuracy"]], color="C1")
    probe.set_ylabel("accuracy of the probe in %", color="C1")
    right.suptitle("New characters, 5-way 1-shot")
    axes = right.subplots()
    accuracies = [100 * report.accuracy for report in reports.values()]
    bars = axes.bar(
        [name.replace(" ", "\n") for name in reports],
        accuracies,
        yerr=[100 * report.ci95 for report in reports.values()],
        color=["0.7", "C1", "C2"],
    )
    axes.bar_label(bars, [f"{a:.1f}" for a in accuracies], padding=3)
    axes.set_ylabel("accuracy in %")
    axes.set_ylim(0, 110)
    figure.savefig(folder / "20_without_labels.png", dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:2])
