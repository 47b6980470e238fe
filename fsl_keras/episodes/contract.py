"""The format of few-shot tasks: the episode batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras.typing import Tensor


def make_episode(
    support: Tensor,
    labels: Sequence | np.ndarray,
    query: Tensor | None = None,
    query_labels: Sequence | np.ndarray | None = None,
    ways: int | None = None,
) -> Any:
    """Builds an episode batch of one task from plain arrays.

    Classes are numbered in the order of their sorted labels: integer labels from 0 keep
    their numbers, and names are sorted alphabetically.

    Args:
        support: array `[S, *item]`, the support examples.
        labels: `S` integers or names, the class of each example.
        query: optional array `[M, *item]`, the examples to classify. Defaults to
            the support set itself.
        query_labels: optional `M` integers or names out of `labels`.
        ways: optional integer, the number of classes when it is larger than the
            number of different labels. The further classes have no examples.

    Returns:
        The dictionary `x`, or the pair `(x, y)` where `query_labels` are given,
        with a leading axis of one task: `x["support"]` `[1, S, *item]`,
        `x["support_labels"]` float32 `[1, S, N]`, `x["query"]` `[1, M, *item]`
        and `y` int32 `[1, M]`.

    Raises:
        ValueError: if lengths differ, or a query's label is not one of `labels`.

    Example:

    >>> import numpy as np
    >>> x, y = make_episode(
    ...     support=np.zeros((2, 3), "float32"), labels=["egret", "heron"],
    ...     query=np.ones((1, 3), "float32"), query_labels=["heron"])
    >>> x["support_labels"].tolist(), y.tolist()
    ([[[1.0, 0.0], [0.0, 1.0]]], [[1]])
    """
    names, index = np.unique(np.asarray(labels), return_inverse=True)
    if np.ndim(labels) != 1 or len(index) != len(support):
        raise ValueError(
            f"`labels` must be one label for each support example. Received: labels of "
            f"shape {np.shape(labels)} for {len(support)} examples."
        )
    ways = len(names) if ways is None else ways
    if ways < len(names):
        raise ValueError(
            f"`ways={ways}` is below the {len(names)} different labels given. Leave "
            f"`ways` out or raise it."
        )
    one_hot = np.zeros((len(index), ways), "float32")
    one_hot[np.arange(len(index)), index] = 1.0
    support = np.asarray(support)
    query = support if query is None else np.asarray(query)
    x = {
        "support": support[None],
        "support_labels": one_hot[None],
        "query": query[None],
    }
    if query_labels is None:
        return x
    return x, _query_index(query_labels, names, len(query))[None]


def _query_index(query_labels, names, length):
    query_labels = np.asarray(query_labels)
    if query_labels.shape != (length,):
        raise ValueError(
            f"`query_labels` must give one label for each query: got labels of shape "
            f"{query_labels.shape} for {length} queries."
        )
    unknown = sorted(set(query_labels.tolist()) - set(names.tolist()))
    if unknown:
        raise ValueError(
            f"`query_labels` holds {unknown}, of which the support set has no example. "
            f"Its classes are {names.tolist()}."
        )
    return np.searchsorted(names, query_labels).astype("int32")
