import numpy as np
import pytest

from fsl_keras.pretraining.probes import nearest_centroid_hits, spread


def reference(embeddings, labels):
    """The nearest centroid, one item at a time."""
    z = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    hits, weights = [], []
    for i, label in enumerate(labels):
        others = np.arange(len(labels)) != i
        classes = np.unique(labels[others])
        centroids = np.stack([z[others & (labels == c)].mean(0) for c in classes])
        cosines = centroids @ z[i] / np.linalg.norm(centroids, axis=1)
        hits.append(float(classes[cosines.argmax()] == label))
        weights.append(float(label in classes))
    return hits, weights


def test_by_hand():
    # The first two are one class and agree; the third is alone; the fourth and the
    # fifth are one class, and the fifth is nearer to the third.
    embeddings = np.array([[1.0, 0], [2.0, 0.1], [0, 1.0], [-1.0, 0], [-0.1, 3.0]])
    hits, weights = nearest_centroid_hits(embeddings, np.array([0, 0, 1, 2, 2]))
    np.testing.assert_array_equal(weights, [1, 1, 0, 1, 1])
    np.testing.assert_array_equal(np.asarray(hits)[[0, 1, 4]], [1, 1, 0])


@pytest.mark.parametrize("seed", range(5))
def test_random_batches(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 8, 20)
    embeddings = (rng.normal(size=(8, 6))[labels] + rng.normal(size=(20, 6))).astype(
        "float32"
    )
    hits, weights = nearest_centroid_hits(embeddings, labels[:, None])
    expected_hits, expected_weights = reference(embeddings, labels)
    np.testing.assert_array_equal(weights, expected_weights)
    counted = np.asarray(weights) > 0
    np.testing.assert_array_equal(
        np.asarray(hits)[counted], np.asarray(expected_hits)[counted]
    )


def test_a_single_class_says_nothing():
    _, weights = nearest_centroid_hits(np.eye(4), np.zeros(4, int))
    np.testing.assert_array_equal(weights, np.zeros(4))


def test_spread_is_the_mean_of_one_minus_the_cosines_of_all_pairs():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(9, 4))
    z = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert float(spread(embeddings)) == pytest.approx(np.mean(1 - z @ z.T), rel=1e-5)
    assert float(spread(np.outer([1, 2, 3], [1.0, 2.0]))) == pytest.approx(0, abs=1e-6)
