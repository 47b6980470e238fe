"""Errors that say what is wrong with an argument of an augmentation."""

import math
import numbers


def check_numbers(low=0.0, high=math.inf, **values):
    """Refuses what is not a number from `low` to `high`."""
    for name, value in values.items():
        if not _is_number(value) or not low <= value <= high:
            raise ValueError(
                f"`{name}` must be a number {_words(low, high)}. "
                f"Received: {name}={value!r}"
            )


def check_pairs(low=0.0, high=math.inf, **values):
    """Refuses what is not two rising numbers above `low` and up to `high`."""
    for name, value in values.items():
        right = isinstance(value, (tuple, list)) and len(value) == 2
        right = right and all(_is_number(number) for number in value)
        if not right or not low < value[0] <= value[1] <= high:
            limit = "" if high == math.inf else f" and at most {high:g}"
            raise ValueError(
                f"`{name}` must be a pair `(low, high)` of numbers above {low:g}"
                f"{limit}, the lower one first. Received: {name}={value!r}"
            )


def check_augmentation(name, value):
    """Refuses what cannot augment pictures by a seed."""
    if not callable(getattr(value, "transform", None)):
        raise ValueError(
            f"`{name}` must have `transform(images, seed)`, as the layers of "
            f"`fsl_keras.layers.augmentation` do; Keras's own layers take no seed in a "
            f"call. Received: {name}={value!r}"
        )


def check_episode(layer, episode, *names):
    """Refuses what is not a dictionary with the parts of an episode."""
    if not isinstance(episode, dict) or not set(names) <= set(episode):
        given = list(episode) if isinstance(episode, dict) else type(episode).__name__
        raise ValueError(
            f"{type(layer).__name__} takes episodes, dictionaries with "
            f"{', '.join(names)}. Received: {given}. Give it to "
            f"`episodes(augmentation=...)`."
        )


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _words(low, high):
    return f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
