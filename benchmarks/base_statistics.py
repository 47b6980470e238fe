"""Makes fsl_keras/backbones/statistics.npz from miniImageNet's training classes.

    python benchmarks/base_statistics.py FOLDER NAME ALPHA FILE [NAME ALPHA FILE ...]

FOLDER holds a folder of pictures for each class; 30 of each are embedded by each
network NAME of `keras.applications` with the weights in FILE; ALPHA is its width, or -.
The file gets, for each network, the directions that `WhitenedRidgeHead` estimates from
these embeddings, and its embedding of a gray image, by which it is known again.
"""

import argparse
import pathlib

import fsl_keras as fsl
import numpy as np
from fsl_keras.backbones.statistics import FILE, embedding_of_gray
from fsl_keras.files import replacing

from domains import photographs

PICTURES = 30


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("networks", nargs="+", metavar="NAME ALPHA FILE")
    arguments = parser.parse_args()
    data = photographs(arguments.folder, PICTURES, "miniImageNet's training classes")
    found = {}
    given = iter(arguments.networks)
    for name, alpha, weights in zip(given, given, given, strict=True):
        options = {} if alpha == "-" else {"alpha": float(alpha)}
        network = fsl.backbones.pretrained(name, weights, **options)
        learner = fsl.models.TransferLearner(network, fsl.heads.WhitenedRidgeHead())
        learner.fit_base(data)
        parts = {"directions": learner.head.common, "gray": embedding_of_gray(network)}
        for part, value in parts.items():
            found[f"{network.name}/{part}"] = np.asarray(value, "float16")
        print(network.name, found[f"{network.name}/directions"].shape, flush=True)
    with replacing(FILE) as beside:
        np.savez(beside, **found)


if __name__ == "__main__":
    main()
