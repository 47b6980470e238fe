"""Nearest examples, outliers and groups of copies."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from fsl_keras.reports import neighbors
from fsl_keras.reports.pictures import Pictures


def pictures_of(features, digests=None, small=None):
    count = len(features)
    if small is None:
        small = np.zeros((count, 16, 16, 1), "uint8")
    return Pictures(
        [f"{i}.png" for i in range(count)],
        ["a"] * count,
        np.arange(count) if digests is None else np.asarray(digests),
        np.asarray(features, "float32"),
        small,
        [None] * count,
        [None] * count,
        [],
    )


def test_they_are_those_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(neighbors, "AT_A_TIME", 100)  # many blocks
    pictures = pictures_of(np.random.default_rng(0).normal(size=(30, 5)))
    is_test = np.arange(30) >= 20
    found, similarities = neighbors.neighbors(pictures, is_test)
    search = NearestNeighbors(n_neighbors=11, metric="cosine")
    search.fit(pictures.features[:20])
    distances, places = search.kneighbors(pictures.features)
    # An example is its own nearest neighbor there.
    expected = np.where(is_test[:, None], places[:, :10], places[:, 1:])
    np.testing.assert_array_equal(found, expected)
    expected = np.where(is_test[:, None], distances[:, :10], distances[:, 1:])
    np.testing.assert_allclose(similarities, 1 - expected, atol=1e-5)


def test_maps_of_features_are_compared_as_vectors():
    pictures = pictures_of(np.eye(4).reshape(4, 2, 2))
    assert pictures.unit_vectors.shape == (4, 4)


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_examples_there_are_none(count):
    pictures = pictures_of(np.eye(3))
    found, _ = neighbors.neighbors(pictures, np.arange(3) >= count)
    assert found.shape == (3, 0)


def test_an_outlier_is_beyond_the_fence_of_the_examples():
    # Quartiles 1 and 2: the fence is 2 + 1.7.
    distances = np.array([1.0, 1, 1, 2, 2, 2, 3.6, 3.8])
    is_test = np.array([False] * 6 + [True] * 2)
    assert neighbors.outliers(distances, is_test).tolist() == [7]


def test_copies_are_the_same_or_nearly():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 200, (5, 16, 16, 1)).astype("uint8")
    small[3] = small[0] + 20  # brighter
    small[4] = 90  # of one color, which is like nothing else
    pictures = pictures_of(np.eye(5), [0, 7, 7, 3, 4], small)
    assert neighbors.groups_of_copies(pictures).tolist() == [0, 1, 1, 0, 4]
