"""Transfer learning: photographs, a network that others trained, and prototypes.

A network trained on the thousand classes of ImageNet has learned to see. Frozen, it
turns a photograph into a vector, and a class into the mean of the vectors of a few
photographs: its prototype. Nothing is trained. The photographs are your own: a folder
for each class. Five of each class are learned from and the others asked for, first of
all classes but one; then the last one comes, as a new species does after a classifier
was shipped, and the prototypes of the others stay as they were to the bit.

    python examples/13_transfer_learning.py PHOTOS [WEIGHTS] [FOLDER FOR THE PICTURES]

WEIGHTS is a file of MobileNetV2's weights without its top; by default Keras downloads
them. Figures on classes that ImageNet has too follow no paper's protocol.
"""

import pathlib
import sys

import keras
import numpy as np

import fsl_keras as fsl

PICTURES = pathlib.Path(__file__).parent / "pictures"
SHOTS = 5


def main(photos, weights="imagenet", folder=PICTURES, alpha=1.0):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    backbone = fsl.backbones.pretrained("mobilenet_v2", weights, alpha=alpha)
    learner = fsl.models.TransferLearner(backbone, head="cosine")
    data = fsl.ClassDataset.from_directory(photos, size=(224, 224))
    print(data.summary())

    *known, new = data.class_names
    support = {name: data.class_files(name)[:SHOTS] for name in data.class_names}
    query = {name: data.class_files(name)[SHOTS:] for name in data.class_names}
    classifier = learner.adapt(
        [path for name in known for path in support[name]],
        [name for name in known for _ in support[name]],
    )
    found = {"known classes": accuracy(classifier, query, known)}
    before = np.asarray(classifier.task.state["prototypes"])

    classifier.add_class(new, support[new])
    after = np.asarray(classifier.task.state["prototypes"])
    found["unchanged"] = bool((after[:, :-1] == before).all())
    found["with the new class"] = accuracy(classifier, query, data.class_names)
    found["the new class"] = accuracy(classifier, query, [new])
    share = {name: f"{value:.1%}" for name, value in found.items()}
    print(
        f"of {len(known)} classes, {SHOTS} photographs each: {share['known classes']}"
    )
    print(f"after {new} came: {share['with the new class']} of all classes")
    print(f"of {new} alone: {share['the new class']}")
    print(f"prototypes of the others unchanged to the bit: {found['unchanged']}")

    flat = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    pixels = fsl.models.TransferLearner(flat, head="cosine").adapt(
        [path for name in data.class_names for path in support[name]],
        [name for name in data.class_names for _ in support[name]],
    )
    found["pixels"] = accuracy(pixels, query, data.class_names)
    print(f"the same by pixels: {found['pixels']:.1%}")
    draw(data, learner).savefig(folder / "13_transfer_learning.png", dpi=80)
    return found


def accuracy(classifier, files, names):
    """The share of the files of some classes that are named right."""
    right = [
        answer.class_name == name
        for name in names
        for answer in classifier.predict_classes(files[name])
    ]
    return float(np.mean(right))


def draw(data, learner):
    """Draws the features of all photographs, and the prototypes of few."""
    features = fsl.features.embed(data, learner.backbone, cache=False)
    parts = [features.class_items(name) for name in features.class_names]
    vectors = [part / np.linalg.norm(part, axis=-1, keepdims=True) for part in parts]
    prototypes = np.stack([part[:SHOTS].mean(axis=0) for part in vectors])
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    names = [f"class {number + 1}" for number in range(len(parts))]
    return fsl.plots.embeddings(np.concatenate(vectors), labels, prototypes, names)


if __name__ == "__main__":
    main(*sys.argv[1:])
