"""What to label next: chosen images need fewer labels than random ones.

A preset's backbone embeds printed letters of 40 kinds. One image of each is labeled;
the others are a pool without labels. In each round 20 more images are labeled: at
random, or chosen by `active.propose`. Its strategy `"coverage"`, the default, chooses
images that many others are similar to; `"mixed"` chooses diverse ones among those that
the classifier is unsure of. The classifier learns them, and is tested on images that
are in no pool.

    python examples/25_what_to_label_next.py [FOLDER FOR THE IMAGES]

Printed, means of five draws, 8 other images of each letter: with 40 labels 72.9%; with
80 labels coverage 81.6%, mixed 80.7%, random 76.5%; with 200 labels coverage 86.5%,
mixed 88.4%, random 84.7%. Which strategy is better depends on the data: on photographs
(benchmarks/active_choice.py) it is coverage.
"""

import pathlib
import sys

import fsl_keras as fsl
import numpy as np
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
PRESET = "prototypical_conv4_glyphs"
LETTERS, POOL, BUDGET = 40, 12, 20
RANDOM = "random"
STYLES = {RANDOM: ("0.45", "--"), "coverage": ("C0", "-"), "mixed": ("C1", "-")}


def main(folder=PICTURES, rounds=8, draws=5):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = fsl.datasets.load("glyphs", split="test")
    data = data.subset(data.class_names[:LETTERS])
    backbone = fsl.presets.backbone(PRESET)
    features = fsl.features.embed(data, backbone, cache=False)
    learner = fsl.models.TransferLearner(backbone, "cosine").on_features()
    curves = {name: [] for name in STYLES}
    for seed in range(draws):
        for name, found in curves.items():
            found.append(curve(learner, features, name, rounds, seed))
    curves = {name: np.array(found) for name, found in curves.items()}
    for name, found in curves.items():
        print(name, " ".join(f"{accuracy:.1%}" for accuracy in found.mean(axis=0)))
    draw(curves, folder)
    return curves


def curve(learner, features, strategy, rounds, seed):
    """Returns the accuracy on test images after each round of labels."""
    rng = np.random.default_rng(seed)
    names = features.class_names
    images = [rng.permutation(features.class_items(name)) for name in names]
    pool = np.concatenate([part[1:POOL] for part in images])
    labels = np.repeat(names, POOL - 1)
    test = np.concatenate([part[POOL:] for part in images])
    truth = np.repeat(names, [len(part) - POOL for part in images])
    classifier = learner.adapt(np.stack([part[0] for part in images]), names)
    accuracies = [accuracy(classifier, test, truth)]
    for _ in range(rounds):
        if strategy == RANDOM:
            chosen = rng.permutation(len(pool))[:BUDGET]
        else:
            proposals = fsl.active.propose(classifier, pool, BUDGET, strategy)
            chosen = [proposal.index for proposal in proposals]
        classifier.add_examples(pool[chosen], labels[chosen].tolist())
        pool, labels = np.delete(pool, chosen, axis=0), np.delete(labels, chosen)
        accuracies.append(accuracy(classifier, test, truth))
    return accuracies


def accuracy(classifier, items, truth):
    """Returns how many items are classified correctly."""
    logits = classifier.logits(items)
    found = np.asarray(classifier.class_names)[np.argmax(logits, axis=-1)]
    return float(np.mean(found == truth))


def draw(curves, folder):
    """Draws the accuracies by the number of labels, and the range of the draws."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, found in curves.items():
        color, line = STYLES[name]
        labels = LETTERS + BUDGET * np.arange(found.shape[1])
        axes.plot(labels, 100 * found.mean(axis=0), line, color=color, label=name)
        axes.fill_between(
            labels,
            100 * found.min(axis=0),
            100 * found.max(axis=0),
            color=color,
            alpha=0.15,
            linewidth=0,
        )
    axes.set_xlabel("labels")
    axes.set_ylabel("accuracy in %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(folder / "25_what_to_label_next.png", dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:2])
