import keras
import numpy as np
import pytest

from fsl_keras.heads import PrototypeHead, SimpleShotHead
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    squared_distances,
    unit,
)


def head_of(center):
    head = SimpleShotHead()
    head.build((None, None, len(center)))
    head.set_weights([np.asarray(center, "float32")])
    return head


def reference(support, labels, query, center):
    """The formula for one task without padding."""
    means = class_means(unit(support - center), labels)
    return -squared_distances(unit(query - center), means)


class TestByHand:
    # Less the center (1, 1): (3, 0) and (0, 4), of class 0, and (-2, 0), of class 1.
    support = np.array([[[4.0, 1.0], [1.0, 5.0], [-1.0, 1.0]]], "float32")
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    query = np.array([[[9.0, 1.0]]], "float32")  # (8, 0)

    def test_logits(self):
        # Class 0 is at (1/2, 1/2) and class 1 at (-1, 0); the query at (1, 0).
        logits = head_of([1.0, 1.0])(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[-0.5, -4.0]]], rtol=1e-6)

    def test_memory_is_sums_of_normalized_embeddings_and_counts(self):
        memory = head_of([1.0, 1.0]).remember(self.support, self.labels)
        np.testing.assert_allclose(memory["sums"], [[[1, 1], [-1, 0]]])
        np.testing.assert_array_equal(memory["counts"], [[2, 1]])


@each_shots
@pytest.mark.parametrize("seed", range(4))
def test_random_episodes_with_padding(seed, shots):
    center = np.random.default_rng(seed).random(6)
    assert_logits(
        head_of(center),
        padded_episodes(seed, shots),
        lambda *task: reference(*task, center),
        rtol=1e-4,
        atol=1e-5,
    )


def test_without_a_center_embeddings_are_only_normalized():
    rng = np.random.default_rng(0)
    support, query = rng.normal(size=(2, 1, 4, 6)).astype("float32")
    labels = np.eye(2)[None, [0, 0, 1, 1]]
    head = SimpleShotHead()
    normalized = [keras.ops.normalize(x, axis=-1) for x in (support, query)]
    np.testing.assert_allclose(
        head(support, labels, query),
        PrototypeHead()(normalized[0], labels, normalized[1]),
        atol=1e-6,
    )


def test_with_one_shot_an_example_is_nearest_to_its_own_class():
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = head_of(np.ones(8))(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]


def test_an_embedding_at_the_center_has_no_direction_but_a_logit():
    center = np.array([[[1.0, 2.0]]], "float32")
    logits = head_of(center[0, 0])(center, np.ones((1, 1, 1)), center)
    np.testing.assert_array_equal(logits, [[[0.0]]])


def test_no_gradient_reaches_the_center():
    head = head_of([1.0, 2.0])
    assert head.trainable_weights == []
    assert [w.name for w in head.weights] == ["center"]
