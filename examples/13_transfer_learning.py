"""Transfer learning: a network that others trained under heads of few photographs.

A network trained on the thousand classes of ImageNet has learned to see. Frozen, it
turns a photograph into a vector, once and for all; what is left to learn from a few
photographs is a head on these vectors: the usual dense layers trained by Adam, a
logistic or a ridge regression in closed form, or prototypes, which are a mean. Below
stands how right each is from 1 to 20 photographs a class, and what comparing pixels
would give. The photographs are your own: a folder of at least 25 for each class.

    python examples/13_transfer_learning.py PHOTOS [WEIGHTS] [FOLDER FOR THE PICTURES]

WEIGHTS is a file of MobileNetV2's weights without its top; by default Keras downloads
them. Figures on classes that ImageNet has too follow no paper's protocol.
"""

import pathlib
import sys

import fsl_keras as fsl
import keras
import numpy as np
from matplotlib.figure import Figure

PICTURES = pathlib.Path(__file__).parent / "pictures"
HEADS = ("dense", "logistic", "ridge", "cosine")
SHOTS, QUERIES, EPISODES, SEED = (1, 2, 5, 10, 20), 5, 100, 2


def main(photos, weights="imagenet", folder=PICTURES, alpha=1.0, episodes=EPISODES):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    backbone = fsl.backbones.pretrained("mobilenet_v2", weights, alpha=alpha)
    data = fsl.ClassDataset.from_directory(photos, image_size=(224, 224))
    print(data.summary())
    features = fsl.features.embed(data, backbone, cache=False)
    small = fsl.ClassDataset.from_directory(photos, image_size=(32, 32))

    nothing = [keras.Input(features.item_shape), keras.layers.Identity()]
    nothing = keras.Sequential(nothing)
    learners = {
        head: (fsl.models.TransferLearner(nothing, head), features) for head in HEADS
    }
    flat = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    learners["pixels"] = fsl.models.TransferLearner(flat, "cosine"), small

    ways = min(5, len(data))
    print(f"{ways}-way, {QUERIES} queries a class, {episodes} episodes, seed {SEED}")
    found = {}
    for name, (learner, items) in learners.items():
        found[name] = []
        for shots in SHOTS:
            stream = items.episodes(ways, shots, QUERIES, seed=SEED, count=episodes)
            found[name].append(fsl.evaluation.evaluate(learner, stream))
        row = " / ".join(f"{report.accuracy:.1%}" for report in found[name])
        print(f"{name:10} {row} from {' / '.join(map(str, SHOTS))} photographs")
    draw(found, ways).savefig(folder / "13_transfer_learning.png", dpi=80)
    return {name: [r.accuracy for r in reports] for name, reports in found.items()}


def draw(found, ways):
    """Draws accuracies by shots, with their intervals."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, reports in found.items():
        means = np.array([report.accuracy for report in reports])
        half = np.array([report.ci95 for report in reports])
        (line,) = axes.plot(SHOTS, means, marker="o", label=name)
        axes.fill_between(
            SHOTS, means - half, means + half, alpha=0.2, color=line.get_color()
        )
    axes.axhline(1 / ways, color="0.6", linestyle=":", label="chance")
    axes.set(xscale="log", xticks=SHOTS, xticklabels=SHOTS, ylim=(0, 1))
    axes.set(xlabel="photographs of each class", ylabel=f"accuracy, {ways}-way")
    axes.minorticks_off()
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:])
