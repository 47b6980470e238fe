import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import SiameseHead
from tests.heads.checks import assert_logits, each_shots, signed_episodes


def reference(support, labels, query, compare, aggregate):
    """The formula for one task without padding, one query and class at a time."""
    logits = np.empty((len(query), labels.shape[1]))
    for place, way in np.ndindex(logits.shape):
        own = support[labels[:, way] == 1]
        logits[place, way] = aggregate([compare(query[place], x) for x in own])
    return logits


class TestByHand:
    # Class 0 has examples at (0, 0) and (2, 0), class 1 one at (0, 3).
    support = np.array([[[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]]], "float32")
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    query = np.array([[[2.0, 0.0], [4.0, 3.0]]], "float32")

    @pytest.mark.parametrize(
        # (2, 0): 2, 0 and √13 away; (4, 3): 5, √13 and 4 away.
        ("aggregate", "of_class_0"),
        [("mean", [-1, -(5 + 13**0.5) / 2]), ("max", [0, -(13**0.5)])],
    )
    def test_distance(self, aggregate, of_class_0):
        head = SiameseHead("euclidean", aggregate)
        logits = np.asarray(head(self.support, self.labels, self.query))
        np.testing.assert_allclose(logits[0, :, 0], of_class_0, rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(logits[0, :, 1], [-(13**0.5), -4], rtol=1e-6)

    @pytest.mark.parametrize(
        # With weights -1 and -10 and a bias of 5, (2, 0) is 5 - 2, 5 - 0 and
        # 5 - 2 - 30; (4, 3) is 5 - 4 - 30, 5 - 2 - 30 and 5 - 4 - 0.
        ("aggregate", "expected"),
        [("mean", [[4, -27], [-28, 1]]), ("max", [[5, -27], [-27, 1]])],
    )
    def test_sigmoid(self, aggregate, expected):
        head = SiameseHead("learned", aggregate)
        head.build(self.support.shape)
        head.unit.set_weights([np.array([[-1.0], [-10.0]]), np.array([5.0])])
        logits = head(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [expected], rtol=1e-6)


@each_shots
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("similarity", ["learned", "euclidean"])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(seed, similarity, aggregate, shots):
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(6, 1)), rng.normal(size=1)
    head = SiameseHead(similarity, aggregate)
    head.build((None, None, 6))
    if similarity == "learned":
        head.unit.set_weights([kernel, bias])

    def compare(a, b):
        if similarity == "euclidean":
            return -np.linalg.norm(a - b)
        return (np.abs(a - b) @ kernel + bias)[0]

    assert_logits(
        head,
        signed_episodes(seed, shots),
        lambda *task: reference(*task, compare, getattr(np, aggregate)),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("similarity", ["learned", "euclidean"])
def test_with_one_shot_an_example_is_most_like_its_own_class(similarity):
    # Weights begin as those of a distance, so this holds before training too.
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = SiameseHead(similarity)(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]


def test_weights_begin_at_a_distance():
    head = SiameseHead()
    head.build((None, None, 8))
    # The mean of the differences is 0 and 1/2.
    likeness = head.pair_similarity(
        np.zeros((2, 8)), np.array([[0.0], [0.5]]) * np.ones(8)
    )
    np.testing.assert_allclose(likeness, [[2.0], [0.0]])


@pytest.mark.parametrize("similarity", ["learned", "euclidean"])
def test_one_way(similarity):
    ones = np.ones((1, 1, 3), "float32")
    logits = SiameseHead(similarity)(ones, np.ones((1, 1, 1)), ones)
    np.testing.assert_allclose(
        logits, [[[2.0 if similarity == "learned" else 0.0]]], atol=1e-5
    )


@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_the_gradient_is_finite_where_two_embeddings_are_the_same(aggregate):
    head = SiameseHead("euclidean", aggregate)
    support = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
    with tf.GradientTape() as tape:
        tape.watch(support)
        logits = head(support, np.eye(2)[None], support)
        loss = keras.losses.sparse_categorical_crossentropy(
            np.array([[0, 1]]), logits, from_logits=True
        )
    gradient = np.asarray(tape.gradient(loss, support))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_only_the_sigmoid_unit_has_weights():
    heads = [SiameseHead("learned"), SiameseHead("euclidean")]
    for head in heads:
        head.build((None, None, 6))
    assert [w.shape for w in heads[0].trainable_weights] == [(6, 1), (1,)]
    assert heads[1].weights == []


def test_an_unknown_similarity_is_rejected():
    with pytest.raises(ValueError, match=r"learned.*euclidean.*'cosine'"):
        SiameseHead("cosine")


def test_an_unknown_aggregate_is_rejected():
    with pytest.raises(ValueError, match=r"mean.*max.*'sum'"):
        SiameseHead(aggregate="sum")
