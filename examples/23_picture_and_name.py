"""A picture and a name: two weak hints are one good answer.

An item is a character in some font, and what somebody typed as its name in a hurry:
words are missing and letters are wrong. `LateFusion` learns both, each by a learner of
its own, and adds what they say. How much each counts is found on the examples alone:
each is left out in turn and predicted from the others.

    python examples/23_picture_and_name.py [FOLDER FOR THE IMAGES]

62 characters of two scripts, two examples each, 1116 other items: picture 87.7%, name
44.5%, both 92.3%. The six that are drawn are Arabic letters, which dots tell apart.
"""

import pathlib
import sys
import tempfile
import textwrap

import fsl_keras as fsl
import keras
import numpy as np
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
SCRIPTS = ("ARABIC", "GEORGIAN")
LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def main(folder=PICTURES, classes=60, shots=2):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = fsl.datasets.load("glyphs", split="test")
    names = [name for name in data.class_names if name.split()[0] in SCRIPTS]
    # Some of each script, evenly.
    names = names[:: max(1, len(names) // classes)]
    learned, tested = (part(data, names, *which) for which in ((0, shots), (shots, 20)))

    learner = fsl.multimodal.LateFusion(
        [
            fsl.from_preset("prototypical_conv4_glyphs"),
            fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder()),
        ]
    )
    classifier = learner.adapt(*learned, class_names=names)
    fusion = classifier.fusion
    print(f"{len(names)} classes, weight of the picture {fusion.weight:.1f}")
    print(f"chosen by {fusion.source}")
    with tempfile.TemporaryDirectory() as kept:
        classifier.save(f"{kept}/characters.keras")
        classifier = keras.saving.load_model(f"{kept}/characters.keras")

    items, labels = tested
    probabilities = {
        title: part.predict(some, verbose=0)
        for title, part, some in zip(
            ("picture", "name", "both"),
            (*classifier.classifiers, classifier),
            (*items, items),
            strict=True,
        )
    }
    right = {
        title: np.array(names)[found.argmax(axis=-1)] == labels
        for title, found in probabilities.items()
    }
    for title, found in right.items():
        print(f"{title}: {found.mean():.1%} of {len(found)} items")
    draw(items, labels, right, folder)
    return {title: float(found.mean()) for title, found in right.items()}


def part(data, names, start, stop):
    """Returns some pictures of each class with a typed name each, and their classes."""
    rng = np.random.default_rng(start)
    pictures = np.concatenate([data.class_items(name)[start:stop] for name in names])
    labels = np.repeat(names, len(pictures) // len(names))
    return (pictures, [typed(name, rng) for name in labels]), labels


def typed(name, rng):
    """Returns a name in which words are missing and letters are wrong."""
    words = name.lower().split()
    kept = [word for word in words if rng.random() > 0.25] or [rng.choice(words)]
    return "".join(
        rng.choice(LETTERS) if letter != " " and rng.random() < 0.05 else letter
        for letter in " ".join(kept)
    )


def draw(items, labels, right, folder):
    """Draws the accuracies, and items that only both together get right."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, side = figure.subfigures(1, 2, width_ratios=[1, 1.5])
    axes = left.subplots()
    means = [100 * found.mean() for found in right.values()]
    bars = axes.bar(list(right), means, color=["C0", "C1", "C2"])
    axes.bar_label(bars, [f"{mean:.1f}" for mean in means], padding=3)
    axes.set_ylim(0, 112)
    axes.set_ylabel("accuracy in %")
    axes.spines[["top", "right"]].set_visible(False)
    side.suptitle("wrong by the picture alone, right with the typed name", fontsize=10)
    rows = np.flatnonzero(~right["picture"] & right["both"])
    rows = rows[np.unique(labels[rows], return_index=True)[1]]  # one of each class
    rows = rows[:: max(1, len(rows) // 6)][:6]
    for axes, row in zip(side.subplots(2, 3).flat, rows, strict=False):
        axes.imshow(items[0][row][..., 0], cmap="gray_r")
        axes.set_title(textwrap.fill(labels[row].lower(), 22), fontsize=8)
        axes.set_xlabel(textwrap.fill(f"“{items[1][row]}”", 22), fontsize=8)
    for axes in side.axes:
        axes.set(xticks=[], yticks=[])
        if not axes.images:
            axes.axis("off")
    figure.savefig(folder / "23_picture_and_name.png", dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:2])
