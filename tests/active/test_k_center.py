import itertools

import numpy as np
import pytest

from fsl_keras.active.k_center import k_center


def radius(vectors, centers):
    """The largest distance to the nearest center."""
    return np.linalg.norm(vectors[:, None] - centers[None], axis=-1).min(axis=1).max()


@pytest.mark.parametrize("seed", range(5))
def test_the_radius_is_at_most_twice_that_of_the_best_choice(seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 2))
    chosen = k_center(vectors, 3)
    best = min(
        radius(vectors, vectors[list(some)])
        for some in itertools.combinations(range(9), 3)
    )
    assert radius(vectors, vectors[chosen]) <= 2 * best + 1e-9


def test_known_centers_are_avoided():
    vectors = np.array([[0.0, 0], [0, 1], [5, 5], [7, 5]])
    centers = np.array([[5.0, 5.0]])
    assert k_center(vectors, 2, centers).tolist() == [0, 3]


def test_without_centers_the_middle_comes_first():
    assert k_center(np.array([[-4.0], [0.1], [4.0], [5.0]]), 3).tolist() == [1, 3, 0]


def test_every_vector_is_chosen_once_also_if_they_are_equal():
    vectors = np.zeros((5, 2))
    for centers in (None, np.zeros((1, 2))):
        assert sorted(k_center(vectors, 9, centers)) == [0, 1, 2, 3, 4]
