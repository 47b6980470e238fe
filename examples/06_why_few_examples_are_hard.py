"""Why few examples are hard: a network memorizes them and learns little else.

Three classifiers of five unseen letters, from 1, 2, 5 and 10 examples of each: the
nearest neighbor in pixels; a network trained on these examples only; and prototypes
of the same network trained on many other letters. The second one classifies all its
examples correctly from the start: training accuracy does not measure generalization.
Other classes teach what few examples cannot.

Printed, 5-way, 10 queries per class, 150 episodes (seed 2), 1 / 2 / 5 / 10 shots:
pixels 62.8 / 73.8 / 85.0 / 91.5%, the network trained on the examples only (first 10
episodes) 61.2 / 77.0 / 89.2 / 93.6%, prototypes 85.5 / 90.8 / 94.6 / 96.1%.

    python examples/06_why_few_examples_are_hard.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

PICTURES = pathlib.Path(__file__).parent / "pictures"
SHOTS = (1, 2, 5, 10)


def main(folder=PICTURES, steps=150, count=150, networks=10):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))

    backbone = fsl.backbones.Conv4(train.item_shape, filters=32)
    prototypes = fsl.models.PrototypicalNetwork(backbone)
    prototypes.compile()
    prototypes.fit(
        train.episodes(ways=20, shots=1, queries=5, seed=0),
        steps_per_epoch=steps,
        verbose=2,
    )
    # Few steps: its running statistics have to keep up.
    backbone = fsl.backbones.Conv4(test.item_shape, filters=32, momentum=0.8)
    network = keras.Sequential([backbone, keras.layers.Dense(5)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.SGD(0.05), loss=loss, jit_compile=False)
    untrained = network.get_weights()

    found = {name: [] for name in ("pixels", "from scratch", "prototypes")}
    learned = []
    for shots in SHOTS:
        exam = test.episodes(ways=5, shots=shots, queries=10, seed=2, count=count)
        pixels = [nearest_neighbour(x, y) for x, y in exam]
        # Training a network for every episode takes long: it gets the first few.
        fitted = [train_on_few(network, untrained, *e) for e in exam.take(networks)]
        on_examples, on_queries = zip(*fitted, strict=True)
        learned.append(np.mean(on_examples))
        report = fsl.evaluation.evaluate(prototypes, exam)
        for name, accuracies in zip(
            found, (pixels, on_queries, report.accuracies), strict=True
        ):
            found[name].append(fsl.evaluation.mean_and_interval(accuracies))

    print(f"5-way, 10 queries a class, {count} episodes of {test.name} (seed 2);")
    print(f"from scratch: the first {networks} of them. Shots: {SHOTS}")
    for name, results in found.items():
        cells = [f"{mean:6.1%} ± {interval:.1%}" for mean, interval in results]
        print(f"{name:13}", *cells)
    print("its examples ", *(f"{mean:6.1%}       " for mean in learned))

    figure = draw(found, learned)
    figure.savefig(folder / "06_accuracy_by_shots.png", dpi=90)
    plt.close(figure)
    means = {name: [mean for mean, _ in results] for name, results in found.items()}
    return {**means, "on its examples": learned}


def nearest_neighbour(x, y):
    """Returns the accuracy of the class of the nearest example, pixel by pixel."""
    support, query = x["support"][0].numpy(), x["query"][0].numpy()
    distances = np.square(query[:, None] - support[None]).sum(axis=(2, 3, 4))
    labels = x["support_labels"][0].numpy().argmax(axis=-1)
    return np.mean(labels[distances.argmin(axis=1)] == y[0])


def train_on_few(network, untrained, x, y, steps=30):
    """Trains from new on a support set; returns the accuracy on it and on queries."""
    network.set_weights(untrained)
    labels = tf.argmax(x["support_labels"][0], axis=-1)
    examples = tf.data.Dataset.from_tensors((x["support"][0], labels))
    network.fit(examples.repeat(steps), shuffle=False, verbose=0)
    answers = [
        tf.argmax(network(x[part][0]), axis=-1).numpy() for part in ("support", "query")
    ]
    return np.mean(answers[0] == labels), np.mean(answers[1] == y[0])


def draw(found, learned):
    """Draws accuracy against shots, with its 95% intervals."""
    figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    titles = {
        "prototypes": "prototypes, trained on other letters",
        "pixels": "nearest neighbour in pixels",
        "from scratch": "network trained on the examples",
    }
    lines = []
    for name, label in titles.items():
        means, intervals = zip(*found[name], strict=True)
        style = {"marker": "o", "capsize": 3, "label": label}
        lines.append(axes.errorbar(SHOTS, means, intervals, **style))
    lines += axes.plot(SHOTS, learned, "--", color="C2", label="... on its examples")
    lines.append(axes.axhline(0.2, color="gray", linestyle=":", label="chance"))
    axes.set(xlabel="examples of each class", ylabel="accuracy", xticks=SHOTS)
    axes.set_ylim(0, 1.05)
    axes.legend(handles=lines, frameon=False, fontsize=8, loc="lower right")
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:2])
