import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from fsl_keras.heads import NearestNeighborHead
from tests.heads.checks import assert_logits, each_shots, signed_episodes

METRICS = {"squared_euclidean": "sqeuclidean", "cosine": "cosine"}


def nearest(support, labels, query, distance):
    """The logits for one neighbor, by the distances of SciPy."""
    distances = cdist(query, support, METRICS[distance])
    return np.stack([-distances[:, own == 1].min(axis=1) for own in labels.T], axis=-1)


def elected(support, labels, query, distance, neighbors):
    """The logarithms of the votes that scikit-learn counts."""
    neighbors = min(neighbors, len(support))
    model = KNeighborsClassifier(neighbors, metric=METRICS[distance])
    model.fit(support, labels.argmax(axis=1))
    return np.log(np.round(neighbors * model.predict_proba(query)) + 1e-3)


def votes(logits):
    """The votes of each class, without the tenth of a vote that breaks ties."""
    return np.floor(np.exp(logits) + 1e-6)


class TestByHand:
    # On a line: class 0 at 0 and 2, class 1 at 3, 7 and 8.
    support = np.array([[[0.0], [2.0], [3.0], [7.0], [8.0]]], "float32")
    labels = np.eye(2, dtype="float32")[None, [0, 0, 1, 1, 1]]

    def logits(self, query, **kwargs):
        query = np.array([[[query]]], "float32")
        return np.asarray(
            NearestNeighborHead(**kwargs)(self.support, self.labels, query)
        )

    def test_one_neighbor(self):
        np.testing.assert_allclose(self.logits(1.5), [[[-0.25, -2.25]]])

    def test_three_neighbors(self):
        # Nearest to 1.4 are 2 and 0, of class 0, and 3, of class 1.
        logits = self.logits(1.4, neighbors=3)
        np.testing.assert_allclose(
            np.exp(logits), [[[2.101, 1 + 0.1 / 3 + 1e-3]]], rtol=1e-5
        )

    def test_a_tie_goes_to_the_nearest(self):
        # Two neighbors of 2.4 are 2 and 3; of 2.6, 3 and 2.
        assert self.logits(2.4, neighbors=2).argmax() == 0
        assert self.logits(2.6, neighbors=2).argmax() == 1

    def test_more_neighbors_than_examples_are_all_of_them(self):
        logits = self.logits(0.0, neighbors=9)
        assert logits.argmax() == 1  # two against three, though both are nearer
        shares = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(shares, [[[0.4, 0.6]]], atol=0.02)

    def test_a_class_without_a_vote_has_a_finite_logit(self):
        logits = self.logits(7.6, neighbors=2)
        np.testing.assert_allclose(np.exp(logits), [[[1e-3, 2.101]]], rtol=1e-4)

    def test_cosine(self):
        # Angles to (1, 0): none, 90 degrees, and that of (3, 4).
        support = np.array([[[2.0, 0.0], [0.0, 5.0], [3.0, 4.0]]], "float32")
        labels = np.eye(2, dtype="float32")[None, [0, 1, 1]]
        head = NearestNeighborHead(distance="cosine")
        logits = head(support, labels, np.array([[[7.0, 0.0]]], "float32"))
        np.testing.assert_allclose(logits, [[[0.0, -0.4]]], atol=1e-6)


@each_shots
@pytest.mark.parametrize("distance", METRICS)
@pytest.mark.parametrize("seed", range(2))
def test_one_neighbor_in_random_episodes_with_padding(seed, distance, shots):
    assert_logits(
        NearestNeighborHead(distance=distance),
        signed_episodes(seed, shots),
        lambda *task: nearest(*task, distance),
        rtol=1e-4,
        atol=1e-5,
    )


@each_shots
@pytest.mark.parametrize("distance", METRICS)
@pytest.mark.parametrize("neighbors", [2, 5, 20])
def test_votes_in_random_episodes_agree_with_scikit_learn(neighbors, distance, shots):
    assert_logits(
        NearestNeighborHead(neighbors, distance),
        signed_episodes(0, shots),
        lambda *task: elected(*task, distance, neighbors),
        compared=votes,
    )


@pytest.mark.parametrize("neighbors", [1, 3])
def test_with_one_shot_an_example_is_nearest_to_its_own_class(neighbors):
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = NearestNeighborHead(neighbors)(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("neighbors", [1, 3])
def test_one_way(neighbors):
    logits = NearestNeighborHead(neighbors)(
        np.ones((1, 2, 3)), np.ones((1, 2, 1)), np.zeros((1, 4, 3))
    )
    assert logits.shape == (1, 4, 1)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("neighbors", [1, 3])
def test_shapes_may_be_unknown_when_it_is_traced(neighbors):
    head = NearestNeighborHead(neighbors)
    spec = tf.TensorSpec((None, None, None), "float32")
    answer = tf.function(head, input_signature=[spec] * 3)
    for episode in (signed_episodes(), signed_episodes(1, (2, 1), tasks=3)):
        given = episode[:3]
        np.testing.assert_allclose(answer(*given), head(*given), atol=1e-5)


def test_logits_of_old_classes_stay_the_same_when_one_comes():
    head = NearestNeighborHead()
    support, labels, query, _ = signed_episodes(shots=(2, 1, 0, 3))
    memory = head.remember(support, labels)
    before = np.asarray(head.score(head.prepare(memory), query))
    more = np.ones((2, 3, 6), "float32")
    of_new_class = np.eye(5, dtype="float32")[np.full((2, 3), 4)]
    wide = head.merge(head.widen(memory, 5), head.remember(more, of_new_class))
    after = np.asarray(head.score(head.prepare(wide), query))
    # A product of wider matrices rounds otherwise on some processors.
    np.testing.assert_allclose(after[..., :4], before, atol=2e-6)


def test_the_gradient_of_one_neighbor_reaches_the_embeddings():
    query = tf.constant([[[1.0, 0.0]]])
    support = tf.constant([[[3.0, 0.0], [9.0, 0.0]]])
    with tf.GradientTape() as tape:
        tape.watch([support, query])
        logits = NearestNeighborHead()(support, np.ones((1, 2, 1)), query)
    gradients = tape.gradient(logits, [support, query])
    np.testing.assert_allclose(gradients[0], [[[-4, 0], [0, 0]]])
    np.testing.assert_allclose(gradients[1], [[[4, 0]]])


class TestErrors:
    @pytest.mark.parametrize("neighbors", [0, 1.5, None])
    def test_no_number_of_neighbors(self, neighbors):
        with pytest.raises(ValueError, match=rf"at least 1.*neighbors={neighbors}"):
            NearestNeighborHead(neighbors)

    def test_an_unknown_distance(self):
        with pytest.raises(ValueError, match=r"squared_euclidean.*cosine.*'manhattan'"):
            NearestNeighborHead(distance="manhattan")


def test_two_examples_of_a_class_never_count_less_than_one():
    support, labels, query, _ = signed_episodes()
    fewer = np.asarray(NearestNeighborHead()(support[:, :6], labels[:, :6], query))
    more = np.asarray(NearestNeighborHead()(support, labels, query))
    assert (more >= fewer - 1e-5).all()
