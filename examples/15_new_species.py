"""A new species after deployment: a shipped classifier meets it, and learns it.

A classifier of some species is calibrated so that it calls at most one in ten
photographs of them "unknown", and saved. Where it runs, a species turns up that it was
never shown. Mostly it says so, and what it does not know is collected: five photographs
later the species is added, with no training and with no other photograph. The
prototypes of the others stay as they were to the bit. The photographs are your own: a
folder for each species, of which the last one in the alphabet is the new one.

    python examples/15_new_species.py PHOTOS [WEIGHTS] [FOLDER FOR THE PICTURES]

WEIGHTS is a file of MobileNetV2's weights without its top; by default Keras downloads
them. Figures on classes that ImageNet has too follow no paper's protocol.
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
