"""`fsl-keras embed`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.options import Alpha, Backbone, Weights, pretrained
from fsl_keras.cli.output import say, working
from fsl_keras.files.outputs import NPZ, check_writable


def embed(
    folder: Annotated[
        pathlib.Path, typer.Argument(help="A folder with a folder for each class.")
    ],
    backbone: Backbone = "mobilenet_v2",
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    output: Annotated[
        pathlib.Path,
        typer.Option(
            help="NumPy file to write, .npz: features, labels, class_names and files."
        ),
    ] = pathlib.Path("features.npz"),
) -> None:
    """Compute the features of a folder of images."""
    import numpy as np

    from fsl_keras import features
    from fsl_keras.datasets import ClassDataset
    from fsl_keras.files import replacing

    check_writable(output, NPZ)
    model = pretrained(backbone, weights, alpha)
    with working(f"Reading {folder}"):
        data = ClassDataset.from_directory(folder, model.input_shape[1:3])
    vectors = features.embed(data, model, verbose=1)
    with replacing(output, NPZ) as temporary:
        np.savez(
            temporary,
            features=np.concatenate([vectors.class_items(n) for n in data.class_names]),
            labels=np.repeat(np.arange(len(data)), data.class_sizes),
            class_names=data.class_names,
            files=[path for n in data.class_names for path in data.class_files(n)],
        )
    say(f"{vectors.summary()}: {output}")
