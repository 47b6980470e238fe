"""Time of `add_class` on a classifier of 1,000 classes, over that of its network alone.

    python benchmarks/add_class.py --output benchmarks/reports

MobileNetV2 under prototypes, pictures of 224 pixels, five for each class. The network
alone embeds the five pictures of the new class as one batch of floats, by
`predict_on_batch`. Rounds of both alternate, and the median of the ratios counts. In
each round the prototypes of the old classes must stay bit-identical. The pictures are
noise, and the weights of the network are random: neither changes the time. Let nothing
else run meanwhile.
"""

import argparse
import pathlib
import statistics
import time

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.files import write_json

from machine import describe

SIZE, SHOTS, BAR = 224, 5, 1.3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--alpha", type=float, nargs="+", default=[0.35, 1.0])
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    print(describe())
    networks = [measure(alpha, arguments) for alpha in arguments.alpha]
    write_json(
        arguments.output / "add_class.json",
        {
            "title": "Time of add_class over that of embedding its examples",
            "command": "python benchmarks/add_class.py --output FOLDER",
            "processor": describe(),
            "bar": BAR,
            "networks": networks,
        },
    )


def measure(alpha, arguments):
    """Returns the times with a MobileNetV2 of one width, a dictionary."""
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.pretrained(
        "mobilenet_v2", None, alpha=alpha, input_shape=(SIZE, SIZE, 3)
    )
    classifier = fsl.models.TransferLearner(backbone, "prototypes").adapt(
        noise(arguments.classes * SHOTS, 8),  # resized: what is stored is features
        np.repeat(np.arange(arguments.classes), SHOTS),
        verbose=1,
    )
    alone, added = [], []
    for number in range(1 + arguments.rounds):
        pictures = noise(SHOTS, SIZE, seed=1 + number)
        floats = pictures / np.float32(255)
        before = prototypes(classifier)
        times = (
            seconds(lambda: backbone.predict_on_batch(floats)),  # noqa: B023
            seconds(lambda: classifier.add_class("new", pictures)),  # noqa: B023
        )
        after = prototypes(classifier)
        if before.tobytes() != after[: arguments.classes].tobytes():
            raise AssertionError("The prototypes of the old classes have changed.")
        classifier.remove_class("new")
        if number:  # the first round traces
            alone.append(times[0])
            added.append(times[1])
    ratios = sorted(more / less for more, less in zip(added, alone, strict=True))
    row = {
        "name": f"mobilenet_v2_{alpha}",
        "classes": arguments.classes,
        "shots": SHOTS,
        "rounds": arguments.rounds,
        "embedding_ms": 1000 * statistics.median(alone),
        "add_class_ms": 1000 * statistics.median(added),
        "ratio": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
    }
    print(
        f"{row['name']}: embedding {row['embedding_ms']:.1f} ms, add_class "
        f"{row['add_class_ms']:.1f} ms, ratio {row['ratio']:.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}), bar {BAR}: "
        f"{'met' if row['ratio'] <= BAR else 'MISSED'}",
        flush=True,
    )
    return row


def noise(count, size, seed=0):
    """Returns random pictures, uint8 `[count, size, size, 3]`."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, size, size, 3), "uint8")


def prototypes(classifier):
    """Returns the prototypes, float32 `[N, D]`."""
    return np.asarray(classifier.state["prototypes"][0])


def seconds(function):
    """Returns the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
