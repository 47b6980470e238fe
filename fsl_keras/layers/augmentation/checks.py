"""Checks of the arguments of augmentation layers."""

import math
import numbers
from typing import Any, TypeAlias

# The range of a random change: from `-f` to `f`, or from the lower to the higher one.
Factor: TypeAlias = float | tuple[float, float]


def check_numbers(low: float = 0.0, high: float = math.inf, **values: Any) -> None:
    """Raises a `ValueError` unless each value is a number from `low` to `high`."""
    for name, value in values.items():
        if not _is_number(value) or not low <= value <= high:
            limits = f"from {low:g} to {high:g}"
            if high == math.inf:
                limits = f"of at least {low:g}"
            raise ValueError(
                f"`{name}` must be a number {limits}. Received: {name}={value!r}"
            )


def check_pairs(low: float = 0.0, high: float = math.inf, **values: Any) -> None:
    """Raises a `ValueError` unless each value is a pair in (low, high]."""
    for name, value in values.items():
        if not _is_pair(value) or not low < value[0] <= value[1] <= high:
            limit = "" if high == math.inf else f" and at most {high:g}"
            raise ValueError(
                f"`{name}` must be a pair `(low, high)` of numbers above {low:g}"
                f"{limit}, the lower one first. Received: {name}={value!r}"
            )


def to_factor(name: str, value: Any, low: float = -1.0, high: float = 1.0) -> Factor:
    """Returns a float, or a pair as a tuple, if it is a range from `low` to `high`."""
    factor = tuple(value) if _is_pair(value) else value
    is_range = isinstance(factor, tuple) or (_is_number(factor) and factor >= 0)
    if not is_range or not low <= to_range(factor)[0] <= to_range(factor)[1] <= high:
        limits = f"from {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ValueError(
            f"`{name}` must be a number `f`, for the range `(-f, f)`, or a pair "
            f"`(low, high)`, the lower one first, of numbers {limits}. "
            f"Received: {name}={value!r}"
        )
    return factor


def to_range(factor: Factor) -> tuple[float, float]:
    """Returns the `(low, high)` of a factor; that of a number is symmetric."""
    return factor if isinstance(factor, tuple) else (-factor, factor)


def check_augmentation(name: str, value: Any) -> None:
    """Raises a `ValueError` unless `value` has `transform(images, seed)`."""
    if not callable(getattr(value, "transform", None)):
        raise ValueError(
            f"`{name}` must have `transform(images, seed)`, as the layers of "
            f"`fsl_keras.layers.augmentation` do; Keras's own layers take no seed in a "
            f"call. Received: {name}={value!r}"
        )


def check_episode(layer: Any, episode: Any, *names: str) -> None:
    """Raises a `ValueError` unless `episode` is a dictionary with these keys."""
    if not isinstance(episode, dict) or not set(names) <= set(episode):
        given = list(episode) if isinstance(episode, dict) else type(episode).__name__
        raise ValueError(
            f"{type(layer).__name__} takes episodes, dictionaries with "
            f"{', '.join(names)}. Received: {given}. Give it to "
            f"`episodes(augmentation=...)`."
        )


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_pair(value):
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    return is_pair and all(_is_number(number) for number in value)
