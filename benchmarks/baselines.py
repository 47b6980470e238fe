"""A trained run beside pixel nearest neighbour and an untrained network.

    python benchmarks/baselines.py runs/glyphs

All three answer the same 600 test episodes of the run's data set, so the differences
are paired.
"""

import argparse
import json
import pathlib

import fsl_keras as fsl
import keras
from fsl_keras.evaluation import evaluate, paired_differences


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=pathlib.Path, help="a run folder")
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--shots", type=int, default=1)
    arguments = parser.parse_args()
    options = json.loads((arguments.run / "options.json").read_text())
    test = fsl.datasets.load(options["dataset"], "test", options["data_dir"])
    episodes = test.episodes(arguments.ways, arguments.shots, 15, seed=2, count=600)

    keras.utils.set_random_seed(0)
    # The prototype of one picture is the picture: nearest neighbour at one shot.
    pixels = keras.Sequential([keras.Input(test.item_shape), keras.layers.Flatten()])
    untrained = fsl.backbones.Conv4(test.item_shape, options["filters"])
    models = {
        "trained": keras.saving.load_model(arguments.run / "learner.keras"),
        "pixels": fsl.models.PrototypicalNetwork(pixels),
        "untrained": fsl.models.PrototypicalNetwork(untrained),
    }
    reports = [evaluate(model, episodes, name) for name, model in models.items()]
    for report in reports:
        print(report)
    for difference in paired_differences(reports):
        print(difference)


if __name__ == "__main__":
    main()
