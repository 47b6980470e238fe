"""Items of two kinds in any form."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.typing import Model


def pair_of(items: Any, kinds: Sequence[str]) -> tuple[Any, Any]:
    """Returns items of two kinds, each with a length.

    Args:
        items: pair of items in any form without labels, such as `(images, texts)`.
        kinds: pair of strings, the `item_kind` of each.

    Raises:
        ValueError: if it is no pair, or there are more items of one kind.

    Example:

    >>> vectors, texts = pair_of((np.zeros((2, 3)), ["a", "b"]), ("array", "text"))
    >>> vectors.shape, texts.tolist()
    ((2, 3), ['a', 'b'])
    """
    check_is_pair(items, kinds)
    found = []
    for some, kind in zip(items, kinds, strict=True):
        some = inputs.Elements.unlabeled(some, kind, may_have_labels=False).images
        found.append(some if hasattr(some, "__len__") else list(some))
    check_sizes([len(some) for some in found], kinds)
    return found[0], found[1]


def check_is_pair(items: Any, kinds: Sequence[str]) -> None:
    """Raises a `ValueError` unless items of two kinds are a tuple or list of two."""
    if isinstance(items, (list, tuple)) and len(items) == 2:
        return
    length = f" of length {len(items)}" if hasattr(items, "__len__") else ""
    first, second = (f"{inputs.noun_of(kind)}s" for kind in kinds)
    raise ValueError(
        f"Items of two kinds must be a pair `({first}, {second})`. Received: a "
        f"{type(items).__name__}{length}"
    )


def check_sizes(sizes: Sequence[int | None], kinds: Sequence[str]) -> None:
    """Raises a `ValueError` if there are more items of one kind than of the other."""
    if None in sizes or sizes[0] == sizes[1]:
        return
    parts = [
        f"{size} {inputs.noun_of(kind)}s"
        for size, kind in zip(sizes, kinds, strict=True)
    ]
    raise ValueError(
        f"Each item has two parts, and there are {parts[0]} and {parts[1]}: give one "
        f"of the second for each of the first."
    )


def feature_batches(
    classifier: Model, items: Any, skipped: list
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields preprocessed items, their indices and their features, in batches.

    Args:
        classifier: a `FewShotClassifier`.
        items: items in the form of `pair_of`.
        skipped: list, to which a pair `(name, reason)` is added for each file that
            cannot be read.
    """
    learner = classifier.learner
    batches = inputs.item_batches(
        inputs.Elements(items, item_kind=classifier.item_kind),
        classifier.preprocessing,
        inputs.batch_size(learner.item_shape),
        skipped,
    )
    for some, rows in batches:
        yield some, rows, learner.features(some)
