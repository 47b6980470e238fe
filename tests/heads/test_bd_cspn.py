import numpy as np
import pytest

from fsl_keras.heads import BDCSPNHead
from fsl_keras.heads.bd_cspn import rectify
from tests.heads.checks import (
    assert_logits,
    each_shots,
    padded_episodes,
    rectified,
    softmax,
    unit,
)


def reference(support, labels, query, scale):
    """The cosines to the rectified prototypes, for one task without padding."""
    prototypes, query = rectified(support, labels, query, scale)
    return scale * unit(query) @ unit(prototypes).T


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


def test_logits_by_hand():
    # Examples (1, 0) and (-1, 0), queries (1/2, √3/2) and its opposite: both means are
    # zero, and nothing moves. With the scale log(3) an example has the cosines
    # 1 and -1, so 9/10 for its class, and a query 1/2 and -1/2, so 3/4. The prototypes
    # lie along ±(9/10 + 3/4 * 1/2, 3/4 * √3/2) = ±(1.275, 0.64952), of the length
    # 1.43091. The cosine to the queries is ±(0.6375 + 0.5625) / 1.43091 = ±0.83863.
    support = [[1.0, 0.0], [-1.0, 0.0]]
    query = [[0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]
    args = as_one_task(support, np.eye(2), query)
    logits = BDCSPNHead(scale=np.log(3))(*args)
    # log(3) * 0.83863
    expected = [[0.92133, -0.92133], [-0.92133, 0.92133]]
    np.testing.assert_allclose(logits, [expected], rtol=1e-5)


@each_shots
@pytest.mark.parametrize("scale", [1.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(seed, scale, shots):
    assert_logits(
        BDCSPNHead(scale),
        padded_episodes(seed, shots),
        lambda *task: reference(*task, scale),
        atol=1e-4,
    )
