import numpy as np
import pytest

from fsl_keras.heads import BDCSPNHead
from fsl_keras.heads.bd_cspn import rectify
from tests.heads.checks import padded_episodes, softmax, unit, unpadded


def reference(support, labels, query, temperature):
    """The formula for one task without padding, one class at a time."""
    support, query = unit(support), unit(query)
    query = query + support.mean(axis=0) - query.mean(axis=0)
    means = np.stack([support[own == 1].mean(axis=0) for own in labels.T])
    items = np.concatenate([support, query])
    cosines = unit(items) @ unit(means).T
    guesses = cosines.argmax(-1)
    guesses[: len(support)] = labels.argmax(-1)
    weights = softmax(temperature * cosines)
    prototypes = []
    for way in range(len(means)):
        own = guesses == way
        prototypes.append(np.average(items[own], axis=0, weights=weights[own, way]))
    return np.stack(prototypes), query


def as_one_task(*arrays):
    return [np.asarray(x, "float32")[None] for x in arrays]


def test_queries_are_moved_to_the_mean_of_the_examples():
    # Unit vectors: examples with mean (1/2, 1/2), queries with mean (-1, 0).
    support, query = [[3.0, 0.0], [0.0, 2.0]], [[-1.0, 0.0], [-4.0, 0.0]]
    _, moved = rectify(*as_one_task(support, np.eye(2), query, [1, 1]))
    np.testing.assert_allclose(moved, [[[0.5, 0.5], [0.5, 0.5]]], atol=1e-6)


def test_a_prototype_moves_to_the_queries_of_its_class():
    # Examples have the mean (.5, .5) and queries (.7, .7): the query (.8, .6) moves to
    # (.6, .4), and joins the first class with the weight of its probability.
    support, query = [[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]
    prototypes, moved = rectify(*as_one_task(support, np.eye(2), query, [1, 1]))
    shifted = np.array([0.6, 0.4])
    np.testing.assert_allclose(moved[0, 0], shifted, atol=1e-6)
    cosines = shifted / np.linalg.norm(shifted)
    weights = np.array([softmax(np.array([10.0, 0.0]))[0], softmax(10 * cosines)[0]])
    expected = weights @ np.stack([[1.0, 0.0], shifted]) / weights.sum()
    np.testing.assert_allclose(prototypes[0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_of_unequal_shots_with_padding(temperature, seed):
    episode = padded_episodes(seed)
    head = BDCSPNHead(temperature)
    logits = np.asarray(head(*episode[:3], query_mask=episode[3]))
    for task in range(2):
        prototypes, query = reference(*unpadded(*episode, task), temperature)
        expected = temperature * unit(query) @ unit(prototypes).T
        real = logits[task][episode[3][task]]
        np.testing.assert_allclose(real, expected, atol=1e-4)
