"""`fsl-keras embed`."""

import math
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
            help="A folder with a folder of images for each class, a table of "
            "sentences or images and their labels, or a .tar or .tfrecord file of "
            "labeled images, or a folder of them."
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
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER/ALL",
            help="Compute one part of a large data set, such as 0/4, 1/4, 2/4 or 3/4, "
            "in little memory. A call that was interrupted continues.",
        ),
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="NumPy file to write, .npz: features, labels, class_names, and files "
            "or texts. With --shard a folder, for `fsl_keras.features.read_shards`. "
            "Default: features.npz, or features."
        ),
    ] = None,
) -> None:
    """Compute the features of labeled images or sentences.

    The default --backbone is mobilenet_v2, the default --encoder is hashed.
    """
    import numpy as np

    from fsl_keras import features
    from fsl_keras.files import replacing

    part = None if shard is None else _part(shard)
    output = output or pathlib.Path("features.npz" if part is None else "features")
    if part is None:
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
        options = {} if part is None or kind == "text" else {"check_files": False}
        data = dataset(examples, kind, size, text_column, label_column, **options)
    if part is not None:
        say(f"{output}: {_size(data, model, part[1])}")
        number, count = part
        path = features.embed_shard(data, model, output, number, count, verbose=1)
        say(str(path))
        return
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


def _part(shard):
    """Returns the numbers of an option such as `"0/4"`."""
    number, _, count = shard.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise ValueError(
            f"--shard is the number of a part, from 0, and the number of parts, such "
            f"as 0/4 for the first of four. Received: {shard}"
        )
    return int(number), int(count)


def _size(data, model, count):
    """Returns how much the features of a part are, a string."""
    items = -(-int(data.class_sizes.sum()) // count)
    shape = model.output_shape[1:]
    size = 4e-9 * items * math.prod(shape)
    return f"up to {items:,} features of shape {shape}, {size:.2f} GB"
