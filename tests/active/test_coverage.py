import itertools

import numpy as np
import pytest

from fsl_keras.active import coverage
from fsl_keras.active.coverage import cover


def total(vectors, centers):
    """The sum of the largest cosine similarities to centers, at least 0."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.maximum((units @ units[list(centers)].T).max(axis=1), 0).sum()


@pytest.mark.parametrize("seed", range(5))
def test_each_choice_is_the_best_next_one(seed):
    vectors = np.random.default_rng(seed).normal(size=(30, 4))
    chosen = cover(vectors, 6).tolist()
    for number in range(6):
        totals = [total(vectors, [*chosen[:number], i]) for i in range(30)]
        assert totals[chosen[number]] == pytest.approx(max(totals))


@pytest.mark.parametrize("seed", range(5))
def test_coverage_is_at_least_63_percent_of_the_best(seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 2))
    best = max(total(vectors, some) for some in itertools.combinations(range(9), 3))
    assert total(vectors, cover(vectors, 3)) >= (1 - 1 / np.e) * best


def test_the_middle_of_the_largest_group_comes_first_and_an_outlier_last():
    points = np.zeros((6, 4))
    for rows, columns, degrees in (
        ([0, 1, 2], [0, 1], [0, 10, 20]),
        ([3, 4], [2, 3], [0, 5]),
    ):
        angles = np.deg2rad(degrees)
        points[np.ix_(rows, columns)] = np.stack([np.cos(angles), np.sin(angles)], 1)
    points[5, 0] = -1
    chosen = cover(points, 6).tolist()
    assert chosen[0] == 1
    assert chosen[1] in (3, 4)
    assert chosen[2] == 5
    assert sorted(chosen) == [0, 1, 2, 3, 4, 5]


def test_what_centers_cover_is_not_chosen():
    points = np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [0.1, 3.0]])
    first, second = cover(points, 2, centers=np.array([[5.0, 0.0]]))
    assert first in (2, 3)
    assert second in (0, 1, 2, 3)
    assert first != second


def test_lengths_do_not_matter():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 3))
    lengths = rng.uniform(0.1, 9, size=(20, 1))
    assert cover(vectors * lengths, 5).tolist() == cover(vectors, 5).tolist()


def test_parts_of_the_similarities_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    vectors, centers = rng.normal(size=(20, 3)), rng.normal(size=(7, 3))
    chosen = cover(vectors, 20, centers)
    monkeypatch.setattr(coverage, "AT_A_TIME", 60)
    np.testing.assert_array_equal(cover(vectors, 20, centers), chosen)


def test_every_vector_is_chosen_once_also_if_they_are_equal():
    for vectors in (np.zeros((5, 2)), np.ones((5, 2))):
        for centers in (None, np.ones((1, 2))):
            assert sorted(cover(vectors, 9, centers)) == [0, 1, 2, 3, 4]
