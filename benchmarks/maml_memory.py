"""Peak memory of MAML's training step, in MiB above what was taken before it.

python benchmarks/maml_memory.py

Each number is of a fresh process: a process never gives back its peak. On two cores,
TensorFlow 2.21:

    network  one_task_at_a_time   2 tasks  8 tasks  16 tasks
    conv4    False                    475     1493      418
    conv4    True                     360      390      418
    wide     False                    238     1327      287
    wide     True                     239      262      286

More than 8 tasks go through the loop in any case. What still grows are the episodes.
"""

import resource
import subprocess
import sys

import fsl_keras as fsl
import keras
import numpy as np

ITEM, WAYS, SHOTS, QUERIES = (42, 42, 3), 5, 1, 15


def conv4():
    """A network whose activations take the most."""
    return fsl.backbones.Conv4(ITEM)


def wide():
    """A network whose weights take the most: 21 million."""
    pictures = keras.Input(ITEM)
    return keras.Model(
        pictures,
        keras.layers.Dense(4000, "relu")(keras.layers.Flatten()(pictures)),
    )


def peak():
    """The largest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(make_backbone, tasks, one_task_at_a_time):
    backbone = make_backbone()
    logits = keras.layers.Dense(WAYS, name="logits")(backbone.output)
    model = fsl.models.MAML(
        keras.Model(backbone.input, logits),
        inner_steps=3,
        one_task_at_a_time=one_task_at_a_time,
    )
    model.compile(keras.optimizers.SGD(0.1))
    rng = np.random.default_rng(0)
    support, query = WAYS * SHOTS, WAYS * QUERIES
    x = {
        "support": rng.random((tasks, support, *ITEM), "float32"),
        "support_labels": np.tile(np.eye(WAYS, dtype="float32"), (tasks, SHOTS, 1)),
        "query": rng.random((tasks, query, *ITEM), "float32"),
    }
    y = np.tile(np.arange(WAYS, dtype="int32"), (tasks, QUERIES))
    before = peak()
    for _ in range(2):
        model.train_on_batch(x, y)
    return peak() - before


def main():
    print("network  one_task_at_a_time   2 tasks  8 tasks  16 tasks")
    for network in ("conv4", "wide"):
        for one in (False, True):
            peaks = [
                subprocess.check_output(
                    [sys.executable, __file__, network, str(tasks), "one" * one],
                    text=True,
                ).split()[-1]
                for tasks in (2, 8, 16)
            ]
            print(f"{network:8s} {one!s:18s}", "".join(f"{p:>9s}" for p in peaks))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        name, tasks, one = sys.argv[1:]
        made = {"conv4": conv4, "wide": wide}[name]
        print(f"{measure(made, int(tasks), bool(one)):.0f}")
