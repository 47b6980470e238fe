"""Lengths as fractions of the side of an image."""

from typing import Any


class Pixels(float):
    """A length in pixels, as arguments of earlier versions were.

    It cannot become a fraction before the size of the images is known, so that layers
    hold it as it is and write it to files under the old name of the argument.
    """


def unit_in_pixels(length: Any, side: int) -> int:
    """Returns how many pixels the unit of a length is: a side, or one of `Pixels`."""
    return 1 if isinstance(length, Pixels) else side


def length_config(length: Any, name: str, old: str) -> dict[str, Any]:
    """Returns the entry of a configuration that holds a length.

    Args:
        length: a fraction, a pair of fractions, or `Pixels`.
        name: string, the name of the argument.
        old: string, its old name, under which lengths are in pixels.
    """
    return {old: float(length)} if isinstance(length, Pixels) else {name: length}
