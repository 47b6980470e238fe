"""Options that several commands share."""

from typing import Annotated, Any, Literal

import typer

from fsl_keras.typing import Model

# The heads of `models.TransferLearner`, which need not be imported to be listed.
HEADS = (
    "prototypes",
    "cosine",
    "simple_shot",
    "whitened",
    "nearest_neighbor",
    "ridge",
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

Backbone = Annotated[
    str | None,
    typer.Option(
        help="A network of keras.applications, such as mobilenet_v2 or resnet50."
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


def known_heads(names: list[str]) -> list[str]:
    """Refuses a head that does not exist; a callback of Typer."""
    for name in names or ():
        if name not in HEADS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(HEADS)}.")
    return names


def pretrained(name: Any, weights: str | None, alpha: float | None) -> Model:
    """Returns a frozen network of `keras.applications`."""
    from fsl_keras import backbones

    arguments: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    return backbones.pretrained(name, weights, **arguments)
