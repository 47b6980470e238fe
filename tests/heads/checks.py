"""Random episodes with padding, and the comparison of a head with NumPy."""

import numpy as np
import pytest

# Examples of each class: unequal, with a class that takes no part, or one.
SHOTS = {"unequal shots": (2, 1, 0, 3), "one shot": (1, 1, 1)}
each_shots = pytest.mark.parametrize("shots", SHOTS.values(), ids=SHOTS)


def padded_episodes(seed=0, shots=(2, 1, 3), tasks=2, queries=7, shape=(6,)):
    """Embeddings in clusters, none negative, with padding in support and queries.

    Returns `support`, `labels`, `query` and the bool `query_mask`. Two places of the
    support set and two queries of each task, anywhere among the others, are padding.
    """
    rng = np.random.default_rng(seed)
    centers = 1.5 * rng.random((tasks, len(shots), *shape)) ** 2
    classes = np.repeat(np.arange(len(shots)), shots)
    support, labels, query = [], [], []
    for of_class in centers:
        way = np.append(classes, rng.choice(classes, 2))
        label = np.eye(len(shots))[way]
        label[-2:] = 0
        order = rng.permutation(len(way))
        support.append(of_class[way[order]])
        labels.append(label[order])
        query.append(of_class[rng.choice(classes, queries)])
    support, query = (x + 0.3 * rng.random(np.shape(x)) for x in (support, query))
    mask = rng.permuted(np.tile(np.arange(queries), (tasks, 1)), axis=1) >= 2
    support, labels, query = (
        np.asarray(x, "float32") for x in (support, labels, query)
    )
    return support, labels, query, mask


def signed_episodes(*args, **kwargs):
    """The same, with embeddings of both signs."""
    support, labels, query, mask = padded_episodes(*args, **kwargs)
    return support - 0.6, labels, query - 0.6, mask


def unpadded(support, labels, query, mask, task):
    """The real items of one task and its classes that take part, as float64."""
    real, present = labels[task].any(axis=1), labels[task].any(axis=0)
    parts = support[task][real], labels[task][real][:, present], query[task][mask[task]]
    return [part.astype("float64") for part in parts]


def assert_logits(head, episode, reference, compared=np.asarray, **tolerance):
    """A head gives real queries the logits of a reference that sees no padding.

    Args:
        head: the head.
        episode: what `padded_episodes` returns.
        reference: function from the support set `[S, D]` of one task, labels `[S, N]`
            and queries `[M, D]`, all of them real and float64, to logits `[M, N]`.
        compared: function of logits, such as the softmax of those that are known up
            to a number that all classes share.
        **tolerance: `rtol` and `atol`.
    """
    *given, mask = episode
    logits = np.asarray(head(*given, query_mask=mask))
    for task, present in enumerate(given[1].any(axis=1)):
        real = logits[task][mask[task]]
        assert (real[:, ~present] == -1e9).all()
        expected = reference(*unpadded(*episode, task))
        np.testing.assert_allclose(
            compared(real[:, present]), compared(expected), **tolerance
        )


def squared_distances(a, b):
    """The squared distances `[M, N]` of vectors `[M, D]` and `[N, D]`."""
    return np.square(a[:, None] - b[None]).sum(axis=-1)


def balanced(labels):
    """The weights `[S, 1]` of examples for all classes to count the same."""
    counts = labels.sum(axis=0)
    return len(labels) / (labels.shape[1] * counts)[labels.argmax(axis=1)][:, None]


def class_means(support, labels):
    """The mean `[N, D]` of the examples `[S, D]` of each class."""
    return np.stack([support[own == 1].mean(axis=0) for own in labels.T])


def rectified(support, labels, query, scale=10.0):
    """The prototypes of BD-CSPN, one class at a time, and the queries moved."""
    support, query = unit(support), unit(query)
    query = query + support.mean(axis=0) - query.mean(axis=0)
    items = np.concatenate([support, query])
    cosines = unit(items) @ unit(class_means(support, labels)).T
    guesses = cosines.argmax(-1)
    guesses[: len(support)] = labels.argmax(-1)
    weights = softmax(scale * cosines)
    prototypes = []
    for way in range(labels.shape[1]):
        own = guesses == way
        prototypes.append(np.average(items[own], axis=0, weights=weights[own, way]))
    return np.stack(prototypes), query


def adam(gradient_fn, weights, steps, learning_rate):
    """Adam as its paper writes it, with the mean and the square corrected."""
    mean = square = np.zeros_like(weights)
    for step in range(1, steps + 1):
        gradient = gradient_fn(weights)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        spread = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        weights = weights - learning_rate * mean / (1 - 0.9**step) / spread
    return weights


def softmax(logits):
    """The softmax over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def unit(vectors):
    """Vectors at unit length."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
