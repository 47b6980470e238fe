"""Episodes: the few-shot task as a unit of data.

An N-way K-shot episode is a small classification problem: a support set of K labeled
examples of each of N classes, and a query set to classify. Learners train on streams
of episodes and are tested on episodes of other classes.

Printed: the shapes of a 5-way 2-shot episode. Episode 7 of a seed is always the same.

    python examples/03_episodes.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import numpy as np

PICTURES = pathlib.Path(__file__).parent / "pictures"


def main(folder=PICTURES):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    test = fsl.datasets.load("glyphs", split="test")

    # One task at a time is a batch of one; `tasks=4` would make the first axis 4.
    x, y = next(iter(test.episodes(ways=5, shots=2, queries=4, seed=0)))
    print("one 5-way 2-shot episode with 4 queries a class:")
    for name, tensor in {**x, "y (query labels)": y}.items():
        print(f"  {name:17} {tensor.dtype.name:8} {tuple(tensor.shape)}")

    # Labels are numbers within the episode: 0 is another letter in the next one.
    print(f"  labels of the first queries: {y[0, :8].numpy()}")

    # Episode i is a function of the seed and i: wherever a stream begins, it is
    # the same, so a run can be resumed and two models meet the same tasks.
    first_ten = list(test.episodes(ways=5, shots=2, queries=4, seed=0, count=10))
    seventh = next(iter(test.episodes(ways=5, shots=2, queries=4, seed=0, start=7)))
    other = next(iter(test.episodes(ways=5, shots=2, queries=4, seed=1, start=7)))
    same = bool(np.all(first_ten[7][0]["support"] == seventh[0]["support"]))
    same_as_other = bool(np.all(other[0]["support"] == seventh[0]["support"]))
    print(f"episode 7 of seed 0, drawn twice, is the same: {same}")
    print(f"episode 7 of seed 1 is the same: {same_as_other}")

    figure = fsl.plots.episode(
        x["support"][0], x["support_labels"][0], x["query"][0], y[0]
    )
    figure.savefig(folder / "03_episode.png", dpi=80)
    return {
        "shapes": {name: tuple(tensor.shape) for name, tensor in {**x, "y": y}.items()},
        "same": same,
        "same_as_other": same_as_other,
    }


if __name__ == "__main__":
    main(*sys.argv[1:2])
