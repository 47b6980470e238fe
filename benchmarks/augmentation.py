"""Time of augmentations, beside the layers of Keras that do the same.

    python benchmarks/augmentation.py

Prints a row a comparison: milliseconds for one batch, Keras's first, and how many times
as fast ours are. Rounds alternate between all of them, and medians are shown, so that
what else the machine does meets all alike. Keras's geometric layers cannot be compiled
by XLA.
"""

import argparse
import statistics
import time

import tensorflow as tf
from fsl_keras.layers.augmentation import (
    ColorJitter,
    RandomAffine,
    RandomElastic,
    RandomErasing,
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
)
from keras import layers


def keras_affine():
    """Returns a layer for each of the changes of `RandomAffine`, as strong."""
    style = {"fill_mode": "constant"}
    return [
        layers.RandomRotation(15 / 360, **style),
        layers.RandomZoom(0.15, 0.15, **style),
        layers.RandomShear(0.15, 0.15, **style),
        layers.RandomTranslation(1 / 14, 1 / 14, **style),
    ]


def keras_color():
    """Returns a layer for each of the changes of `ColorJitter`, as strong."""
    unit = {"value_range": (0, 1)}
    return [
        layers.RandomBrightness(0.2, **unit),
        layers.RandomContrast(0.2, **unit),
        layers.RandomSaturation((0.4, 0.6), **unit),
        layers.RandomHue(0.03, **unit),
    ]


def keras_color_jitter():
    return [
        layers.RandomColorJitter(
            (0, 1),
            brightness_factor=0.2,
            contrast_factor=0.2,
            saturation_factor=(0.4, 0.6),
            hue_factor=0.03,
        )
    ]


def comparisons():
    """Returns Keras's layers (None where it has none) and ours, by name."""
    affine, color = RandomAffine(), ColorJitter()
    both = SequentialAugmentation([affine, color])
    erasing = layers.RandomErasing(0.5, fill_value=0.0, value_range=(0, 1))
    elastic = layers.RandomElasticTransform(1.0, value_range=(0, 1))
    geometry = keras_affine()
    return {
        "affine + color, single layers": (geometry + keras_color(), both),
        "affine + color, RandomColorJitter": (geometry + keras_color_jitter(), both),
        "affine": (geometry, affine),
        "color, single layers": (keras_color(), color),
        "color, RandomColorJitter": (keras_color_jitter(), color),
        "erasing": ([erasing], RandomErasing()),
        "elastic": ([elastic], RandomElastic()),
        "flip": ([layers.RandomFlip("horizontal")], RandomFlip()),
        "resized crop": (None, RandomResizedCrop()),
    }


def compiled(chain, images, jit_compile):
    """Returns a function that augments the pictures, or None where XLA cannot."""
    if chain is None:
        return None

    def augment():
        changed = images
        for layer in chain:
            changed = layer(changed, training=True)
        return changed

    function = tf.function(augment, jit_compile=jit_compile, autograph=False)
    try:
        function()
    except tf.errors.InvalidArgumentError:
        return None
    return function


def medians(functions, rounds):
    """Returns the median milliseconds of each function, in alternating rounds."""
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, of_function in zip(functions, times, strict=True):
            start = time.perf_counter()
            function().numpy()  # waits for the end
            of_function.append(1000 * (time.perf_counter() - start))
    return [statistics.median(of_function) for of_function in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=84, help="height and width")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    shape = (arguments.batch, arguments.size, arguments.size, 3)
    images = tf.random.stateless_uniform(shape, seed=(0, 0))

    functions, cells = [], {}
    rows = comparisons()
    for name, (of_keras, ours) in rows.items():
        for jit_compile in (False, True):
            for who, chain in (("keras", of_keras), ("ours", [ours])):
                function = compiled(chain, images, jit_compile)
                if function is not None:
                    cells[name, who, jit_compile] = len(functions)
                    functions.append(function)
    times = medians(functions, arguments.rounds)

    def cell(*key):
        return f"{times[cells[key]]:.1f}" if key in cells else "–"

    def ratio(name, jit_compile):
        keys = [(name, who, jit_compile) for who in ("keras", "ours")]
        if not all(key in cells for key in keys):
            return "–"
        return f"{times[cells[keys[0]]] / times[cells[keys[1]]]:.1f}"

    print(f"pictures {shape}, medians of {arguments.rounds} rounds, in milliseconds\n")
    print("| augmentation | Keras | ours | times | Keras, XLA | ours, XLA | times |")
    print("|---|---|---|---|---|---|---|")
    for name in rows:
        found = []
        for jit_compile in (False, True):
            found += [cell(name, who, jit_compile) for who in ("keras", "ours")]
            found.append(ratio(name, jit_compile))
        print(f"| {name} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
