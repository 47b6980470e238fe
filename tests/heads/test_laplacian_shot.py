import numpy as np
import pytest

from fsl_keras.heads import LaplacianShotHead
from fsl_keras.heads.bd_cspn import rectify
from fsl_keras.heads.laplacian_shot import nearest
from tests.heads.checks import (
    assert_logits,
    each_shots,
    padded_episodes,
    rectified,
    softmax,
    squared_distances,
)


def reference(support, labels, query, neighbors, weight, steps):
    """The updates for one task without padding, one query at a time."""
    prototypes, query = rectified(support, labels, query)
    alone = -squared_distances(query, prototypes)
    logits = alone
    for _ in range(steps):
        probabilities = softmax(logits)
        logits = alone.copy()
        for place, vector in enumerate(query):
            distances = ((query - vector) ** 2).sum(-1)
            distances[place] = np.inf
            for other in np.argsort(distances)[:neighbors]:
                logits[place] += weight * probabilities[other]
    return logits


def line(*positions):
    return np.array([[[x] for x in positions]], "float32")


def test_neighbors_on_a_line():
    graph = np.asarray(nearest(line(0, 1, 3, 7), np.ones((1, 4), "float32"), 1))
    assert graph.sum() == 4
    assert graph[0].argmax(-1).tolist() == [1, 0, 1, 2]


def test_padding_is_nobodys_neighbor():
    mask = np.array([[1, 0, 1, 1]], "float32")
    graph = np.asarray(nearest(line(0, 1, 3, 7), mask, 1))
    assert graph[0][[0, 2, 3]].argmax(-1).tolist() == [2, 0, 2]
    assert (graph[..., 1] == 0).all()


@pytest.mark.parametrize("neighbors", [3, 5])
def test_where_there_are_few_queries_all_others_are_neighbors(neighbors):
    graph = nearest(line(0, 1, 3, 7), np.ones((1, 4), "float32"), neighbors)
    np.testing.assert_array_equal(graph, [1 - np.eye(4)])


def test_one_update_by_hand():
    # Queries like the examples move no prototype: each is 0 from its own and 2 from
    # the other, and belongs to its own with 1 / (1 + exp(-2)) = 0.88080. Each has
    # the other for its neighbor, which adds 2 * 0.11920 and 2 * 0.88080.
    axes = np.eye(2)[None]
    logits = LaplacianShotHead(neighbors=1, weight=2.0, steps=1)(axes, axes, axes)
    expected = [[0.23841, -0.23841], [-0.23841, 0.23841]]
    np.testing.assert_allclose(logits, [expected], rtol=1e-4)


@each_shots
@pytest.mark.parametrize("options", [(2, 0.7, 20), (1, 5.0, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(seed, options, shots):
    assert_logits(
        LaplacianShotHead(*options),
        padded_episodes(seed, shots),
        lambda *task: reference(*task, *options),
        atol=1e-4,
    )


def test_without_weight_it_is_the_nearest_rectified_prototype():
    support, labels, query, mask = padded_episodes()
    prototypes, moved = map(
        np.asarray, rectify(support, labels, query, mask.astype("float32"))
    )
    expected = -((moved[:, :, None] - prototypes[:, None]) ** 2).sum(-1)
    head = LaplacianShotHead(weight=0.0)
    logits = head(support, labels, query, query_mask=mask)
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_a_query_between_two_classes_goes_with_its_neighbors():
    angles = np.radians([[0.0, 90.0], [46.0, 40.0]])
    support, near = np.stack([np.cos(angles), np.sin(angles)], -1).astype("float32")
    query = np.concatenate([near, support[1:]])[None]  # one more, of the second class
    args = support[None], np.eye(2)[None], query
    alone, together = (
        np.asarray(LaplacianShotHead(neighbors=1, weight=w)(*args)) for w in (0.0, 3.0)
    )
    gap = together[..., 0] - together[..., 1] - (alone[..., 0] - alone[..., 1])
    # The query at 46 degrees has that at 40 for neighbor, and moves to its class.
    assert np.sign(gap[0, 0]) == np.sign(alone[0, 1, 0] - alone[0, 1, 1])
