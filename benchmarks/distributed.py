"""Time of a training step of two replicas on two cores, over that of one replica.

    python benchmarks/distributed.py

A prototypical network on Conv-4, the same batches of 28-pixel characters for both: two
episodes in a batch, one for each replica of `tf.distribute.MirroredStrategy` on two
logical CPUs. TensorFlow uses all cores in both cases. Rounds of both alternate, each of
`--steps` steps, and the median of the ratios counts. Let nothing else run meanwhile.
"""

import argparse
import contextlib
import statistics
import time

import fsl_keras as fsl
import keras
import tensorflow as tf

from machine import describe

WAYS, SHOTS, QUERIES, TASKS = 20, 1, 5, 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--filters", type=int, default=64)
    arguments = parser.parse_args()
    print(describe())
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    data = fsl.datasets.load("glyphs", "train")
    one = training(data, arguments, contextlib.nullcontext())
    two = training(data, arguments, strategy.scope())
    row = measure(one, two, arguments)
    print(
        f"one replica {row['one_ms']:.1f} ms a step, two replicas {row['two_ms']:.1f} "
        f"ms, ratio {row['ratio']:.2f} ({row['ratio_min']:.2f} to "
        f"{row['ratio_max']:.2f})"
    )


def training(data, arguments, scope):
    """Returns a function that trains a number of steps, which is traced already."""
    with scope:
        keras.utils.set_random_seed(0)
        backbone = fsl.backbones.Conv4(data.item_shape, filters=arguments.filters)
        model = fsl.models.PrototypicalNetwork(backbone)
        model.compile()
    stream = data.episodes(WAYS, SHOTS, QUERIES, tasks=TASKS, seed=0)

    def run():
        model.fit(stream, steps_per_epoch=arguments.steps, verbose=0)

    run()
    return run


def measure(one, two, arguments):
    """Returns the times of a step of both, a dictionary."""
    alone, shared = [], []
    for number in range(arguments.rounds):
        # Each goes first in every second round.
        pairs = [(one, alone), (two, shared)]
        for run, times in pairs if number % 2 else pairs[::-1]:
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) / arguments.steps)
    ratios = sorted(more / less for more, less in zip(shared, alone, strict=True))
    return {
        "one_ms": 1000 * statistics.median(alone),
        "two_ms": 1000 * statistics.median(shared),
        "ratio": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
    }


if __name__ == "__main__":
    main()
