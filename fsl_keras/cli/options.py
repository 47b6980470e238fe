"""Options that several commands share."""

import pathlib
from typing import Annotated, Any, Literal

import typer

from fsl_keras.cli.stored import load_model
from fsl_keras.names import did_you_mean
from fsl_keras.typing import Model

# The encoder of texts that needs no download.
HASHED = "hashed"

# The heads of `models.TransferLearner`, which need not be imported to be listed.
HEADS = (
    "auto",
    "prototypes",
    "cosine",
    "simple_shot",
    "whitened",
    "whitened_ridge",
    "nearest_neighbor",
    "lda",
    "ridge",
    "streaming_ridge",
    "logistic",
    "dense",
)

HeadName = Literal[*HEADS]  # type: ignore[valid-type]

DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder where the data lies: prepared TensorFlow Datasets, or "
        "miniImageNet's folders or pickles."
    ),
]

# The beginning of the name of a backbone of keras-hub.
KERAS_HUB = "keras_hub:"
Backbone = Annotated[
    str | None,
    typer.Option(
        help="A network of keras.applications, such as mobilenet_v2 or resnet50, or "
        "an image encoder of keras-hub, such as keras_hub:dinov2_small; after the "
        "colon may also stand the path of a folder."
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        help='Weights file of the backbone without its top, or "imagenet" to download.'
    ),
]
Alpha = Annotated[
    float | None, typer.Option(help="Width of a MobileNet, such as 0.35.")
]
Views = Annotated[
    bool,
    typer.Option(
        "--views",
        help="Embed four views of each image: itself, a crop, and the mirror images of "
        "both. More accurate with few examples, and four times as long.",
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        help="What embeds sentences: hashed (words and their parts, no download), the "
        "folder of a language model, such as all-MiniLM-L6-v2, the name of one of "
        "keras-hub or of Hugging Face, or a .keras file."
    ),
]
Pooling = Annotated[
    Literal["mean", "cls"],
    typer.Option(
        help="How a language model was trained to embed a sentence: by the mean of its "
        "tokens or by the first one."
    ),
]
Prefix = Annotated[
    str,
    typer.Option(
        help='Put before each sentence by a language model, such as "query: " for E5.'
    ),
]
Import = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        help="A Python file or module to import first, which registers layers of the "
        "model with Keras; may be repeated.",
    ),
]


def fraction(value: float | None) -> float | None:
    """Refuses an option that is not from 0 to 1; a callback of Typer."""
    if value is not None and not 0 <= value <= 1:
        raise typer.BadParameter(f"It is from 0 to 1, such as 0.05, not {value:g}.")
    return value


def one_of(**options: Any) -> None:
    """Refuses two options that exclude each other, which are given by name."""
    given = [f"--{name}" for name, value in options.items() if value]
    if len(given) > 1:
        raise ValueError(f"Give {given[0]} or {given[1]}, not both.")


def known_heads(names: list[str]) -> list[str]:
    """Refuses a head that does not exist; a callback of Typer."""
    for name in names or ():
        if name not in HEADS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(HEADS)}.")
    return names


def pretrained(name: Any, weights: str | None, alpha: float | None) -> Model:
    """Returns a frozen network of `keras.applications` or of keras-hub."""
    from fsl_keras import backbones

    if name.startswith(KERAS_HUB):
        if weights not in (None, "imagenet") or alpha is not None:
            raise ValueError(
                f"--weights and --alpha are for networks of keras.applications, and "
                f"{name} is one of keras-hub: leave them out."
            )
        return backbones.from_keras_hub(name.removeprefix(KERAS_HUB))
    arguments: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    return backbones.pretrained(name, weights, **arguments)


def on_views(network: Model) -> Model:
    """Returns a network for the option `--views`."""
    from fsl_keras import backbones

    return backbones.MultiCrop(network)


def default_head(encoder: str | None) -> str:
    """Returns the name of the head that suits an option `--encoder`."""
    return "ridge" if encoder in (None, HASHED) else "logistic"


def encoder_of(name: str, pooling: str = "mean", prefix: str = "") -> Model:
    """Returns the text backbone of an option `--encoder`.

    Args:
        name: `"hashed"`, the path of a folder or of a `.keras` file, or the name of a
            preset.
        pooling: `"mean"` or `"cls"`, see `backbones.SentenceEncoder`.
        prefix: string, see `backbones.SentenceEncoder`.

    Raises:
        ValueError: if a language model is not needed and has options, or the name is a
            misspelled `"hashed"`.
    """
    from fsl_keras import backbones

    path = pathlib.Path(name).expanduser()
    own = {"--pooling": pooling != "mean", "--prefix": bool(prefix)}
    given = [option for option, is_given in own.items() if is_given]
    if given and (name == HASHED or path.suffix == ".keras"):
        raise ValueError(
            f"{' and '.join(given)} need a language model, and --encoder {name} is "
            f"none that they could change."
        )
    if name == HASHED:
        return backbones.HashedTextEncoder()
    if path.suffix == ".keras":
        return _loaded_encoder(path)
    if not path.exists() and (hint := did_you_mean(name, [HASHED])):
        raise ValueError(f"There is no encoder {name!r}.{hint}")
    return backbones.SentenceEncoder(name, pooling=pooling, prefix=prefix)


def _loaded_encoder(path):
    model = load_model(path)
    inputs = getattr(model, "inputs", None)
    if not inputs or inputs[0].dtype != "string":
        raise ValueError(
            f"{path} embeds no sentences: give the .keras file of a model from strings "
            f"to vectors, such as a `SentenceEncoder`."
        )
    return model
