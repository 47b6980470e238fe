"""Random division of classes into parts."""

from collections.abc import Sequence

import numpy as np

# Parts for training, validation and test.
FRACTIONS = (0.64, 0.16, 0.2)


def divided(
    count: int, fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> list[np.ndarray]:
    """Divides the numbers below `count` at random.

    Args:
        count: integer.
        fractions: floats that add up to 1, the relative size of each part.
        seed: integer.

    Returns:
        A list of sorted integer arrays, one for each fraction, none of them empty.

    Raises:
        ValueError: if `fractions` do not add up to 1, or are more than `count`.

    Example:

    >>> [part.tolist() for part in divided(6, (0.5, 0.3, 0.2))]
    [[2, 3, 5], [0, 4], [1]]
    """
    sizes = np.asarray(fractions, "float64")
    if (sizes <= 0).any() or not np.isclose(sizes.sum(), 1.0):
        raise ValueError(
            f"`fractions` must be positive and add up to 1. Received: "
            f"fractions={sizes.tolist()}"
        )
    if len(sizes) > count:
        raise ValueError(
            f"{count} classes cannot be divided into {len(sizes)} parts. Pass fewer "
            f"`fractions`."
        )
    order = np.random.Generator(np.random.PCG64(seed)).permutation(count)
    ends = np.round(np.cumsum(sizes) * count).astype(int)[:-1]
    # Where classes are few, each part still gets one.
    least = np.arange(1, len(sizes))
    ends = np.clip(ends, least, count - least[::-1])
    return [np.sort(part) for part in np.split(order, ends)]
