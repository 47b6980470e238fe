"""The options `--fine-tune`, `--unfreeze` and `--epochs` of `fsl-keras adapt`."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from fsl_keras.cli.options import HASHED
from fsl_keras.cli.output import Output
from fsl_keras.names import plain_name
from fsl_keras.typing import Model

# The first layer of the last block of the networks of `keras.applications`, by the
# beginning of their plain names.
LAST_BLOCKS = {"mobilenetv2": "block_16", "resnet": "conv5_block3"}

# Found on photographs, where it is better than that of language models.
IMAGE_LEARNING_RATE = 1e-3

FineTune = Annotated[
    bool,
    typer.Option(
        help="Train the last block of --backbone, or the language model of --encoder, "
        "on the examples first."
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(min=1, help="How often --fine-tune uses each example. Default: 12."),
]
Unfreeze = Annotated[
    str | None,
    typer.Option(
        help="The beginning of the name of the first layer that --fine-tune trains, or "
        '"all". Default: the last block of MobileNetV2 and ResNet, and all of a '
        "language model."
    ),
]


def first_trained(
    fine_tune: bool,
    epochs: int | None,
    unfreeze: str | None,
    backbone: str | None,
    encoder: str | None,
) -> str | None:
    """Returns the first layer to train, or None; see `models.TransferLearner`.

    Args:
        fine_tune: the option `--fine-tune`.
        epochs: the option `--epochs`.
        unfreeze: the option `--unfreeze`.
        backbone: the option `--backbone`.
        encoder: the option `--encoder`.

    Raises:
        ValueError: if the options do not fit together, or there is no default for the
            network.
    """
    if not fine_tune:
        for name, value in (("--epochs", epochs), ("--unfreeze", unfreeze)):
            if value:
                raise ValueError(f"{name} is for --fine-tune: give both, or neither.")
        return None
    if backbone is None and encoder in (None, HASHED):
        raise ValueError(
            "--fine-tune trains a network of --backbone, such as mobilenet_v2, or a "
            "language model: give one with --encoder, such as the folder of "
            "all-MiniLM-L6-v2."
        )
    if unfreeze or encoder:
        return unfreeze or "all"
    plain = plain_name(backbone)
    for name, layer in LAST_BLOCKS.items():
        if plain.startswith(name):
            return layer
    raise ValueError(
        f"The last block of {backbone} is not known to --fine-tune. Give the beginning "
        f"of the name of the first layer to train with --unfreeze."
    )


def fine_tune_on(
    out: Output,
    learner: Model,
    items: Sequence[Any],
    labels: Sequence[Any],
    epochs: int | None,
    **preprocessing: Any,
) -> bool:
    """Fine-tunes a learner, one of images only if that is better on left-out examples.

    Args:
        out: the output of the command.
        learner: a learner whose backbone can be trained.
        items: images or texts, as in `EpisodicModel.adapt`.
        labels: the label of each.
        epochs: the option `--epochs`.
        **preprocessing: arguments of `ImagePreprocessing` for images.

    Returns:
        Whether the backbone was trained.
    """
    from fsl_keras import model_selection, pretraining
    from fsl_keras.pretraining.examples import read

    data = read(learner, items, labels, **preprocessing)
    arguments: dict[str, Any] = {"verbose": 1 if sys.stderr.isatty() else 2}
    if epochs is not None:
        arguments["epochs"] = epochs
    if learner.item_kind == "image":
        arguments["learning_rate"] = IMAGE_LEARNING_RATE
        with _output_to_stderr():
            frozen, tuned = model_selection.cross_validate_fine_tuning(
                learner, data, **arguments
            )
        is_better = model_selection.recommended([frozen, tuned]) is tuned
        _say_choice(out, frozen, tuned, is_better)
        if not is_better:
            return False
    with _output_to_stderr():
        pretraining.fine_tune(learner, data, **arguments)
    return True


def _output_to_stderr():
    """Returns a context in which Keras prints where progress belongs."""
    return contextlib.redirect_stdout(sys.stderr)


def _say_choice(out, frozen, tuned, is_trained):
    difference, interval = tuned.minus(frozen)
    then = "it is trained" if is_trained else "it stays frozen"
    out.say(
        f"Left out in turn, {100 * frozen.accuracy:.1f} % of the images are right with "
        f"the frozen network, and {100 * tuned.accuracy:.1f} % after fine-tuning "
        f"({100 * difference:+.1f} ± {100 * interval:.1f}): {then}."
    )
    out.add(
        fine_tuning={
            "frozen": frozen.accuracy,
            "fine_tuned": tuned.accuracy,
            "ci95": interval,
            "chosen": is_trained,
        }
    )
