"""Arguments that the convolutional backbones share."""

from collections.abc import Sequence

from fsl_keras.layers.data_format import check_channels_last

# The poolings of earlier versions that have a new name.
RENAMED_POOLINGS = {"average": "avg"}


def check_arguments(
    input_shape: tuple[int, ...],
    pooling: str | None,
    halvings: int,
    poolings: Sequence[str | None] = ("avg", None),
) -> None:
    """Raises a `ValueError` for an input that is too small or an unknown pooling.

    Args:
        input_shape: tuple.
        pooling: the argument of this name.
        halvings: integer, how often the backbone halves the size of its input.
        poolings: the known values of `pooling`.
    """
    check_channels_last()
    if len(input_shape) != 3 or min(input_shape[:2]) < 2**halvings:
        raise ValueError(
            f"`input_shape` must be (height, width, channels), with at least "
            f"{2**halvings} pixels in each direction. "
            f"Received: input_shape={input_shape}"
        )
    if pooling not in poolings:
        raise ValueError(
            f"`pooling` must be one of {poolings}. Received: pooling={pooling!r}"
        )
