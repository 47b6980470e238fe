"""`fsl-keras embed`."""

import pathlib
from typing import Annotated, Any

import typer

from fsl_keras.cli.items import (
    KEYS,
    LabelColumn,
    TextColumn,
    check_options,
    dataset,
    kind_of,
)
from fsl_keras.cli.options import (
    HASHED,
    Alpha,
    Backbone,
    Encoder,
    Pooling,
    Prefix,
    Weights,
    encoder_of,
    one_of,
    pretrained,
)
from fsl_keras.cli.output import say, working
from fsl_keras.files.outputs import NPZ, check_writable


def embed(
    ctx: typer.Context,
    examples: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A folder with a folder of images for each class, or a table of "
            "sentences or images and their labels."
        ),
    ],
    backbone: Backbone = None,
    weights: Weights = "imagenet",
    alpha: Alpha = None,
    encoder: Encoder = None,
    pooling: Pooling = "mean",
    prefix: Prefix = "",
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    output: Annotated[
        pathlib.Path,
        typer.Option(
            help="NumPy file to write, .npz: features, labels, class_names, and files "
            "or texts."
        ),
    ] = pathlib.Path("features.npz"),
) -> None:
    """Compute the features of labeled images or sentences.

    The default --backbone is mobilenet_v2, the default --encoder is hashed.
    """
    import numpy as np

    from fsl_keras import features
    from fsl_keras.files import replacing

    check_writable(output, NPZ)
    one_of(backbone=backbone, encoder=encoder)
    kind = kind_of(
        examples, backbone=backbone, encoder=encoder, text_column=text_column
    )
    check_options(ctx, kind, examples)
    if kind == "text":
        model = encoder_of(encoder or HASHED, pooling, prefix)
    else:
        model = pretrained(backbone or "mobilenet_v2", weights, alpha)
    with working(f"Reading {examples}"):
        size = model.input_shape[1:3]
        data = dataset(examples, kind, size, text_column, label_column)
    vectors = features.embed(data, model, verbose=1)
    of_class = data.class_items if kind == "text" else data.class_files
    arrays: dict[str, Any] = {
        "features": np.concatenate([vectors.class_items(n) for n in data.class_names]),
        "labels": np.repeat(np.arange(len(data)), data.class_sizes),
        "class_names": data.class_names,
        f"{KEYS[kind]}s": [
            item for name in data.class_names for item in of_class(name)
        ],
    }
    with replacing(output, NPZ) as temporary:
        np.savez(temporary, **arrays)
    say(f"{vectors.summary()}: {output}")
