"""A new species after deployment: detected as unknown, then learned.

A classifier of some species is calibrated so that it predicts "unknown" for at most one
in ten photographs of them, and saved. In use it gets photographs of another species.
It rejects most of them as unknown, and they are collected. With five photographs the
species is added, without training and without any other photograph. The prototypes of
the other species stay bit-identical. The photographs are your own: one folder per
species; the last in alphabetical order is the new one.

    python examples/15_new_species.py PHOTOS [WEIGHTS] [FOLDER FOR THE IMAGES]

WEIGHTS is a file of MobileNetV2's weights without its top layer; by default Keras
downloads them.

Printed for the photographs of example 13, 10 of each of five classes, at most 10% false
rejects: estimated 8.0% (3.2 to 18.8%) false rejects and 24.0% (14.3 to 37.4%) false
accepts. Of 175 others of the five classes 93.1% are right and 5.1% unknown. Of 40 of
the sixth 80.0% are unknown; after five photographs of it 57.5% are right and 30.0%
unknown, and the predictions on the others are unchanged. ImageNet has these classes
too, so the figures do not follow the protocol of a paper.
"""

import collections
import pathlib
import sys
import tempfile

import fsl_keras as fsl
import keras
import numpy as np
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
SHOTS, NEW_SHOTS, RATE = 10, 5, 0.1


def main(photos, weights="imagenet", folder=PICTURES, alpha=1.0):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    backbone = fsl.backbones.pretrained("mobilenet_v2", weights, alpha=alpha)
    learner = fsl.models.TransferLearner(backbone, head="cosine")
    files = fsl.datasets.folders.files_by_class(photos)
    *known, new = files
    classifier = learner.adapt(
        [path for name in known for path in files[name][:SHOTS]],
        [name for name in known for _ in files[name][:SHOTS]],
        false_reject_rate=RATE,
    )
    print(f"{len(known)} species of {SHOTS} photographs. {classifier.calibration}")

    with tempfile.TemporaryDirectory() as shipped:
        classifier.save(f"{shipped}/species.keras")
        classifier = keras.saving.load_model(f"{shipped}/species.keras")
    asked = {
        "the known species": {name: files[name][SHOTS:] for name in known},
        "the new one": {new: files[new][NEW_SHOTS:]},
    }
    before = {who: answers(classifier, queries) for who, queries in asked.items()}
    prototypes = np.asarray(classifier.task.state["prototypes"])
    classifier.add_class(new, files[new][:NEW_SHOTS])
    after = {who: answers(classifier, queries) for who, queries in asked.items()}
    grown = np.asarray(classifier.task.state["prototypes"])
    unchanged = bool((grown[:, :-1] == prototypes).all())

    for when, found in (("as shipped", before), ("with the new one", after)):
        for who, counts in found.items():
            shares = {kind: f"{share:.1%}" for kind, share in counts.items()}
            print(f"{when}, of {who}: {shares}")
    print(f"prototypes of the others unchanged to the bit: {unchanged}")
    draw(before, after).savefig(folder / "15_new_species.png", dpi=80)
    return {"before": before, "after": after, "unchanged": unchanged}


def answers(classifier, files):
    """The shares of files that are named right, called unknown, and named wrong."""
    counts = collections.Counter()
    for name, paths in files.items():
        for answer in classifier.predict_classes(paths):
            kinds = {name: "right", "unknown": "unknown"}
            counts[kinds.get(answer.class_name, "wrong")] += 1
    total = sum(counts.values())
    return {kind: counts[kind] / total for kind in ("right", "unknown", "wrong")}


def draw(before, after):
    """Draws the shares of answers as bars."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    rows = {
        f"{who},\n{when}": shares
        for who in before
        for when, shares in (
            ("as shipped", before[who]),
            (f"with {NEW_SHOTS} of the new one", after[who]),
        )
    }
    left = np.zeros(len(rows))
    colors = {"right": "tab:green", "unknown": "0.75", "wrong": "tab:red"}
    for kind, color in colors.items():
        widths = np.array([shares[kind] for shares in rows.values()])
        bars = axes.barh(list(rows), widths, left=left, color=color, label=kind)
        labels = [f"{width:.0%}" if width > 0.04 else "" for width in widths]
        axes.bar_label(bars, labels, label_type="center")
        left += widths
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of photographs that were not learned from")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:])
