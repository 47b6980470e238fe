"""Episodes of random embeddings, with unequal shots and padding."""

import numpy as np


def padded_episodes(seed=0, tasks=2, ways=3, queries=7, dimensions=6):
    """Embeddings in clusters with padding in support and queries.

    Returns `support`, `labels`, `query` and the bool `query_mask`, of which one
    place of support and two of queries in each task are padding.
    """
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.random(size=(tasks, ways, dimensions)) ** 2
    classes = np.r_[np.arange(ways), rng.integers(0, ways, 3)]
    length = len(classes)
    support = centres[:, classes] + 0.3 * rng.random((tasks, length, dimensions))
    labels = np.tile(np.eye(ways)[classes], (tasks, 1, 1))
    labels[:, -1] = 0
    query = centres[:, rng.integers(0, ways, queries)]
    query = query + 0.3 * rng.random(query.shape)
    mask = np.ones((tasks, queries), bool)
    for task in range(tasks):
        mask[task, rng.permutation(queries)[:2]] = False
    support, labels, query = (x.astype("float32") for x in (support, labels, query))
    return support, labels, query, mask


def unpadded(support, labels, query, mask, task):
    """The real items of one task, as float64 arrays without axis of tasks."""
    real = labels[task].sum(-1) > 0
    parts = support[task][real], labels[task][real], query[task][mask[task]]
    return [part.astype("float64") for part in parts]


def softmax(logits):
    """The softmax over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def unit(vectors):
    """Vectors at unit length."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
