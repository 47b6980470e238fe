import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import PrototypeHead
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    signed_episodes,
    squared_distances,
    unit,
)


def reference(support, labels, query, distance):
    """The formula for one task without padding."""
    prototypes = class_means(support, labels)
    if distance == "cosine":
        return 10 * unit(query) @ unit(prototypes).T
    return -squared_distances(query, prototypes)


class TestByHand:
    # Class 0 has its mean at (1, 0), class 1 is one example at (0, 3).
    support = np.array([[[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]]], "float32")
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    query = np.array([[[1.0, 0.0], [4.0, 3.0]]], "float32")

    def test_squared_euclidean(self):
        # (1, 0): 0 and 1 + 9; (4, 3): 9 + 9 and 16.
        logits = PrototypeHead()(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[0, -10], [-18, -16]]])

    def test_cosine(self):
        # (1, 0): parallel and orthogonal; (4, 3): 4/5 and 3/5.
        head = PrototypeHead(distance="cosine", scale=2.0)
        logits = head(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[2, 0], [1.6, 1.2]]], rtol=1e-6)

    def test_memory_is_sums_and_counts(self):
        memory = PrototypeHead().remember(self.support, self.labels)
        np.testing.assert_array_equal(memory["sums"], [[[2, 0], [0, 3]]])
        np.testing.assert_array_equal(memory["counts"], [[2, 1]])


@each_shots
@pytest.mark.parametrize("distance", ["squared_euclidean", "cosine"])
@pytest.mark.parametrize("seed", range(4))
def test_random_episodes_with_padding(seed, distance, shots):
    assert_logits(
        PrototypeHead(distance),
        signed_episodes(seed, shots),
        lambda *task: reference(*task, distance),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("distance", ["squared_euclidean", "cosine"])
def test_with_one_shot_an_example_is_nearest_to_its_own_class(distance):
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = PrototypeHead(distance)(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]


def test_large_float16_embeddings_do_not_overflow():
    # 1,600 squares of 40 are far beyond float16.
    support = np.full((1, 1, 1600), 40, "float16")
    logits = PrototypeHead()(support, np.ones((1, 1, 1)), np.zeros_like(support))
    np.testing.assert_allclose(logits, [[[-1600 * 40**2]]])


def test_the_gradient_reaches_the_embeddings_and_the_scale():
    head = PrototypeHead(distance="cosine")
    rng = np.random.default_rng(0)
    support, query = (tf.constant(rng.normal(size=(1, 4, 3)), "float32"),) * 2
    with tf.GradientTape() as tape:
        tape.watch(support)
        logits = head(support, np.eye(2)[[0, 0, 1, 1]][None], query[:, :1])
        loss = keras.losses.sparse_categorical_crossentropy(
            np.zeros((1, 1)), logits, from_logits=True
        )
    for gradient in tape.gradient(loss, [support, head.scale.value]):
        assert np.abs(gradient).max() > 0


def test_only_cosine_similarities_have_a_scale_to_learn():
    assert len(PrototypeHead(distance="cosine").trainable_weights) == 1
    assert PrototypeHead().weights == []


def test_an_unknown_distance_is_rejected():
    with pytest.raises(ValueError, match=r"squared_euclidean.*cosine.*'manhattan'"):
        PrototypeHead(distance="manhattan")
