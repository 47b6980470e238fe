"""What few-shot data looks like: many classes with few examples each.

Real collections have a long tail: a few classes have many examples, and most have
few. Ordinary training serves the first; few-shot learning is about the others, and
about classes that did not exist when the model was trained.

Printed: 93 of 100 classes have at most 5 examples. The tail is simulated; `glyphs`
itself has 20 examples per class.

    python examples/01_few_shot_data.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import matplotlib.pyplot as plt
import numpy as np

PICTURES = pathlib.Path(__file__).parent / "pictures"


def main(folder=PICTURES):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    # The classes of the three splits differ: the test is on letters never seen.
    for split in ("train", "validation", "test"):
        print(fsl.datasets.load("glyphs", split=split).summary())

    data = long_tailed(fsl.datasets.load("glyphs", split="train"), classes=100)
    sizes = data.class_sizes
    few = int(np.sum(sizes <= 5))
    print(data.summary())
    print(f"{few} of {len(sizes)} classes have at most 5 examples")

    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
    axes.bar(range(len(sizes)), sizes, width=1, color=np.where(sizes > 5, "C0", "C1"))
    axes.set(xlabel="class, by number of examples", ylabel="examples")
    axes.set_title(f"{few} of {len(sizes)} classes have at most 5 (orange)", size=10)
    figure.savefig(folder / "01_long_tail.png", dpi=90)
    plt.close(figure)

    shown = [0, 2, 5, 12, 30, 80]
    pictures = [data.class_items(data.class_names[i]) for i in shown]
    labels = np.repeat(np.arange(len(shown)), [len(items) for items in pictures])
    names = [data.class_names[i] for i in shown]
    figure = fsl.plots.few_shot_classes(np.concatenate(pictures), labels, names)
    figure.savefig(folder / "01_few_shot_classes.png", dpi=70)

    return {"classes": len(sizes), "examples": int(sizes.sum()), "few": few}


def long_tailed(data, classes, exponent=0.7):
    """Returns some classes of a data set, the k-th with 20 / k**exponent items.

    `glyphs` has 20 of each class; here most are left out, as nature would do it.
    """
    chosen = np.random.default_rng(0).choice(len(data), classes, replace=False)
    names = [data.class_names[i] for i in chosen]
    sizes = np.ceil(20 / np.arange(1, classes + 1) ** exponent).astype(int)
    items = [data.class_items(name)[:n] for name, n in zip(names, sizes, strict=True)]
    labels = np.repeat(np.arange(classes), sizes)
    return fsl.ClassDataset.from_arrays(
        np.concatenate(items), labels, class_names=names, name="long-tailed glyphs"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
