"""One learner from pretraining without labels to classes that come later.

`FewShotLearner` is a backbone, a meta-learner and an augmentation. Here it pretrains on
printed letters without their labels, meta-trains on episodes of the same letters with
them, and then learns letters of scripts it never saw, from three images each and
without training: ten letters at first, ten more and further images of the first ones
later. The learner is saved, and goes on where it is loaded.

    python examples/22_a_learner_that_keeps_learning.py [FOLDER FOR THE IMAGES]

Printed, new scripts, 5-way 1-shot, 15 queries per class, 300 episodes (seed 2): random
weights 53.4% ± 1.2%, pretrained without labels 84.8% ± 1.1%, meta-trained 89.6% ± 0.9%.
Of 14 other images of each letter, ten letters are classified at 93.6%, then twenty at
88.2%, and at 90.0% with three more images of each.
"""

import pathlib
import sys
import tempfile

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.layers.augmentation import RandomAffine
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
SHOTS = 3


def main(folder=PICTURES, steps=150, count=300):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))
    exam = test.episodes(ways=5, shots=1, queries=15, tasks=10, seed=2, count=count)
    names = [name for name in test.class_names if name.startswith("GEORGIAN")][:20]

    keras.utils.set_random_seed(0)
    learner = fsl.FewShotLearner(
        fsl.backbones.Conv4(train.item_shape, filters=32),
        meta_learner=lambda backbone: fsl.models.PrototypicalNetwork(
            backbone, distance="cosine"
        ),
        augmentation=RandomAffine(seed=0),
    )
    # The statistics of batch normalization need some images.
    for images, _ in train.batches(256, seed=0, count=20):
        learner.learner.backbone(images, training=True)

    def accuracy():
        report = fsl.evaluation.evaluate(learner.learner, exam)
        return report.accuracy, report.ci95

    stages = {"random weights": accuracy()}
    learner.pretrain(train, steps=steps, verbose=2)
    stages["pretrained\nwithout labels"] = accuracy()
    learner.meta_train(train, ways=60, steps=steps, verbose=2)
    stages["meta-trained\non episodes"] = accuracy()

    learner.learn_from_few_examples(*part(test, names[:10], 0, SHOTS))
    known = [report_of(learner, test, names[:10])]
    with tempfile.TemporaryDirectory() as kept:
        learner.save(f"{kept}/learner")
        learner = fsl.FewShotLearner.load(f"{kept}/learner")
    learner.continual_update(*part(test, names[10:], 0, SHOTS))
    known.append(report_of(learner, test, names))
    learner.continual_update(*part(test, names, SHOTS, 2 * SHOTS))
    known.append(report_of(learner, test, names))

    for name, (mean, ci95) in stages.items():
        print(f"{' '.join(name.split())}: 5-way 1-shot {mean:.1%} ± {ci95:.1%}")
    for number, report in enumerate(known):
        print(f"session {number}: {report.accuracy:.1%}")
    print("history:", ", ".join(note["step"] for note in learner.history))
    draw(stages, known, folder)
    return [mean for mean, _ in stages.values()], [r.accuracy for r in known]


def part(data, names, start, stop):
    """Returns some images of each class, and their classes."""
    images = np.concatenate([data.class_items(name)[start:stop] for name in names])
    return images, [name for name in names for _ in range(stop - start)]


def report_of(learner, data, names):
    """Tests on images that are never learned."""
    return learner.evaluate(*part(data, names, 2 * SHOTS, 20))


def draw(stages, known, folder):
    """Draws the accuracy after each stage of training and after each session."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    means, intervals = 100 * np.array(list(stages.values())).T
    bars = left.bar(list(stages), means, yerr=intervals, color=["0.7", "C1", "C2"])
    left.bar_label(bars, [f"{mean:.1f}" for mean in means], padding=3)
    left.set_title("Training: new scripts, 5-way 1-shot")
    labels = [
        "ten letters,\nthree images each",
        "ten more\nletters",
        "three more images\nof all twenty",
    ]
    bars = right.bar(labels, [100 * r.accuracy for r in known], color="C0")
    right.bar_label(bars, [f"{100 * r.accuracy:.1f}" for r in known], padding=3)
    right.set_title("Learning: all letters known by then")
    for axes in (left, right):
        axes.set_ylim(0, 112)
        axes.set_ylabel("accuracy in %")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "22_learner.png", dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:2])
