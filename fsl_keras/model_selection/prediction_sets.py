"""The threshold of prediction sets that contain the right class at a given rate."""

import math
from collections.abc import Sequence

import numpy as np


def least_probability(right: Sequence[float], coverage: float) -> float:
    """Returns the probability that a class of a prediction set has at least.

    It is the split-conformal quantile of the probabilities of the right classes of
    held-out examples. The right class of a new example that is exchangeable with the
    `n` given ones is below the `k`-th smallest of them with a probability of at most
    `k / (n + 1)` (see
    [Sadinle et al., 2019](https://arxiv.org/abs/1609.00451)).

    Args:
        right: list of `n` floats, the probabilities of the right classes.
        coverage: float in (0, 1), the rate at which sets contain the right class.

    Returns:
        A float from 0 to 1.

    Raises:
        ValueError: if `coverage` is not in (0, 1), or there are too few examples for
            it.

    Example:

    >>> least_probability([0.9, 0.3, 0.6, 0.8], coverage=0.6)
    0.6
    """
    if not 0 < coverage < 1:
        raise ValueError(
            f"`coverage` must be between 0 and 1, exclusive, such as 0.9. Received: "
            f"coverage={coverage!r}"
        )
    count = len(right)
    place = math.floor((1 - coverage) * (count + 1) + 1e-9)
    if not place:
        needed = math.ceil(1 / (1 - coverage) - 1e-9) - 1
        raise ValueError(
            f"A coverage of {coverage:g} needs at least {needed} held-out examples, "
            f"and there are {count}. Calibrate with more examples, or ask for a "
            f"coverage of at most {math.floor(1e4 * count / (count + 1)) / 1e4:g}."
        )
    return float(np.sort(right)[place - 1])
