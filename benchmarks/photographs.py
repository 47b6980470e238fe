"""Accuracy of heads on frozen features of photographs, beside a bare script.

    python benchmarks/photographs.py FOLDER --backbone mobilenet_v2 --weights FILE
    python benchmarks/photographs.py FOLDER --backbone resnet50 --weights FILE

FOLDER holds a folder of pictures for each class, such as miniImageNet's 16 validation
classes. 600 episodes of 5-way 1-shot and 5-shot, 15 queries a class, seed 2, inductive,
BatchNorm with the statistics it was trained with. The bare script calls the application
of Keras itself and compares with centroids in NumPy, on the same episodes. Heads are
chosen on the first half of the classes and compared with cosine prototypes on the
other half, where the choice saw nothing. Heads that take statistics of base classes
take them, for the choice, from three classes of the first half, with episodes of the
others of it, and then from all of the first half. The networks were trained on
ImageNet: where the classes are among its thousand, the figures follow no paper's
protocol.
"""

import argparse
import importlib
import pathlib

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.models.transfer import HEADS

SIZE, SEED, EPISODES, QUERIES = (224, 224), 2, 600, 15


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--bare", type=int, default=40, help="pictures a class")
    arguments = parser.parse_args()
    data = fsl.ClassDataset.from_directory(arguments.folder, image_size=SIZE)
    backbone = fsl.backbones.pretrained(arguments.backbone, arguments.weights)
    features = fsl.features.embed(data, backbone, verbose=1)
    compare_with_bare(data, features, backbone, arguments.bare)
    compare_heads(features)


def compare_with_bare(data, features, backbone, count):
    """Prints the accuracy of cosine prototypes, ours and bare, on some pictures."""
    application = backbone.layers[-1]
    preprocessing = backbone.get_layer("preprocessing").application
    module = importlib.import_module(f"keras.applications.{preprocessing}")
    bare, ours = [], []
    for name in data.class_names:
        images = data.class_items(name)[:count].astype("float32")
        bare.append(application.predict(module.preprocess_input(images), verbose=0))
        ours.append(features.class_items(name)[:count])
    labels = np.repeat(np.arange(len(data)), [len(part) for part in bare])
    print(f"\ncosine prototypes of {count} pictures a class: ours, bare script")
    model = learner("cosine", features)
    for shots in (1, 5):
        accuracies = []
        for parts, score in ((ours, model), (bare, None)):
            part = fsl.ClassDataset.from_arrays(np.concatenate(parts), labels)
            stream = part.episodes(
                5, shots, QUERIES, seed=SEED, count=EPISODES, tasks=50
            )
            if score is None:
                accuracies.append(nearest_centroid(stream))
            else:
                accuracies.append(fsl.evaluation.evaluate(score, stream).accuracy)
        print(f"{shots}-shot  {100 * accuracies[0]:.2f}  {100 * accuracies[1]:.2f}")


def nearest_centroid(stream):
    """The mean accuracy of cosine similarity to the mean of a class, in NumPy."""
    right = []
    for x, y in stream.as_numpy_iterator():
        for support, labels, query, wanted in zip(
            x["support"], x["support_labels"], x["query"], y, strict=True
        ):
            unit = support / np.linalg.norm(support, axis=-1, keepdims=True)
            means = labels.T @ unit
            means /= np.linalg.norm(means, axis=-1, keepdims=True)
            right.append(np.mean((query @ means.T).argmax(-1) == wanted))
    return np.mean(right)


def compare_heads(features):
    """Prints every head on both halves of the classes, paired with cosine."""
    names = features.class_names
    first, second = names[: len(names) // 2], names[len(names) // 2 :]
    parts = (first[:-3], first[-3:]), (second, first)  # tested, and base classes
    for shots in (1, 5):
        print(f"\n5-way {shots}-shot, {EPISODES} episodes (seed {SEED})")
        print(f"{'head':18} {'to choose on':14} {'held out':14} minus cosine, held out")
        rows = {}
        for head in HEADS:
            rows[head] = [
                fsl.evaluation.evaluate(
                    learner(head, features, base),
                    features.subset(tested).episodes(
                        5, shots, QUERIES, seed=SEED, count=EPISODES, tasks=50
                    ),
                    head,
                )
                for tested, base in parts
            ]
        for head, (first, second) in rows.items():
            paired = fsl.evaluation.paired_differences([rows["cosine"][1], second])[0]
            gain = f"{100 * paired.difference:+.2f} ± {100 * paired.ci95:.2f}"
            cells = (r.row()["accuracy"] for r in (first, second))
            print(f"{head:18} {' '.join(f'{cell:14}' for cell in cells)} {gain}")
        best = max(rows, key=lambda head: rows[head][0].accuracy)
        print(f"chosen: {best}")


def learner(head, features, base=()):
    """A head on features, with the statistics of base classes if it has any."""
    identity = keras.Sequential(
        [keras.Input(features.item_shape), keras.layers.Identity()]
    )
    model = fsl.models.TransferLearner(identity, head)
    if len(base) and model.has_base_statistics:
        model.fit_base(features.subset(base), cache=False)
    return model


if __name__ == "__main__":
    main()
