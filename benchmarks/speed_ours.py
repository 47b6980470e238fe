"""What speed.py runs of this package: prints a JSON line a workload."""

import json
import sys
import time

import fsl_keras as fsl
import keras
import numpy as np

# work: ways, shots, queries, pixels, channels, classes, timed steps
STEPS = {
    "60-way 1-shot 5-query 28x28": (60, 1, 5, 28, 1, 200, 20),
    "20-way 5-shot 15-query 28x28": (20, 5, 15, 28, 1, 200, 15),
    "5-way 5-shot 15-query 84x84": (5, 5, 15, 84, 3, 20, 10),
}
# work: ways, shots, queries, episodes in one batch
EPISODES = {
    "episodes 5-way 1-shot 15-query": (5, 1, 15, 16),
    "episodes 60-way 1-shot 5-query": (60, 1, 5, 4),
    "episodes 20-way 5-shot 15-query": (20, 5, 15, 4),
    "episodes 5-way 1-shot 15-query, one at a time": (5, 1, 15, 1),
}


class Stopwatch(keras.callbacks.Callback):
    """Notes how long each epoch or evaluation takes."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self._start)


def make_data(classes, pixels, channels):
    pictures = np.random.default_rng(0).integers(
        0, 256, (classes * 20, pixels, pixels, channels), dtype="uint8"
    )
    return fsl.ClassDataset.from_arrays(pictures, np.repeat(np.arange(classes), 20))


def time_steps(ways, shots, queries, pixels, channels, classes, steps):
    """Milliseconds of a training step through `fit` and of `evaluate`."""
    data = make_data(classes, pixels, channels)
    model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4(data.item_shape))
    model.compile()
    watch = Stopwatch()
    episodes = data.episodes(ways, shots, queries)
    model.fit(
        episodes,
        steps_per_epoch=steps,
        epochs=3,
        verbose=0,
        callbacks=[watch],
    )
    model.evaluate(episodes, steps=2, verbose=0)
    evaluations = []
    for _ in range(2):
        start = time.perf_counter()
        model.evaluate(episodes, steps=2 * steps, verbose=0)
        evaluations.append((time.perf_counter() - start) / (2 * steps))
    # The first epoch traces the graph.
    return 1e3 * min(watch.seconds[1:]) / steps, 1e3 * min(evaluations)


def time_episodes(ways, shots, queries, tasks):
    """Episodes a second from memory, as float32 batches of the contract."""
    data = make_data(964, 28, 1)
    stream = iter(data.episodes(ways, shots, queries, tasks=tasks))
    for _ in range(20):
        next(stream)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < 3:
        next(stream)
        count += tasks
    return count / (time.perf_counter() - start)


def main(only=""):
    for work, sizes in STEPS.items():
        if only not in work:
            continue
        train, evaluate = time_steps(*sizes)
        print(json.dumps({"work": f"train {work}", "value": train}), flush=True)
        print(json.dumps({"work": f"evaluate {work}", "value": evaluate}), flush=True)
    for work, sizes in EPISODES.items():
        if only not in work:
            continue
        value = time_episodes(*sizes)
        print(json.dumps({"work": work, "value": value}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
