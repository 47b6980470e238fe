import numpy as np
import pytest

from fsl_keras.heads import PTMAPHead
from fsl_keras.heads.pt_map import balanced
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    softmax,
    squared_distances,
    unit,
)


def reference(support, labels, query, steps, learning_rate=0.2, sharpness=10.0):
    """The method for one task without padding, with the plan as a matrix."""

    def transform(vectors):
        vectors = unit((np.maximum(vectors, 0) + 1e-6) ** 0.5)
        return unit(vectors - vectors.mean(axis=0))

    support, query = transform(support), transform(query)
    centers = class_means(support, labels)

    def plan():
        assigned = np.exp(-sharpness * squared_distances(query, centers))
        for _ in range(2000):
            assigned = assigned / assigned.sum(axis=1, keepdims=True)
            columns = assigned.sum(axis=0, keepdims=True)
            assigned = assigned * (len(query) / labels.shape[1]) / columns
        return assigned / assigned.sum(axis=1, keepdims=True)

    for _ in range(steps):
        weights = np.concatenate([labels, plan()])
        items = np.concatenate([support, query])
        means = weights.T @ items / weights.sum(axis=0)[:, None]
        centers = centers + learning_rate * (means - centers)
    return np.log(plan())


@pytest.mark.slow
@each_shots
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(seed, shots):
    assert_logits(
        PTMAPHead(steps=2),
        padded_episodes(seed, shots),
        lambda *task: reference(*task, steps=2),
        compared=softmax,
        atol=1e-3,
    )


def test_logits_by_hand():
    # Less their mean, two examples at right angles are unit vectors c and -c, and so
    # are two queries along them, 0 and 4 from the centers. A sharpness of log(3) / 4
    # assigns each query by 3/4 and 1/4, which is balanced already. A class's mean is
    # (c + 3/4 c - 1/4 c) / (1 + 1) = 3/4 c, and at the rate 1/2 its center moves to
    # 7/8 c: 1/64 and 225/64 from the queries, times log(3) / 4.
    axes = np.eye(2)[None]
    logits = PTMAPHead(sharpness=np.log(3) / 4, learning_rate=0.5, steps=1)(
        axes, axes, axes
    )
    expected = [[-0.0042914, -0.9655757], [-0.9655757, -0.0042914]]
    np.testing.assert_allclose(logits, [expected], rtol=1e-4)


def test_every_class_gets_as_many_queries():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3.0, size=(2, 9, 4)).astype("float32")
    mask, labels = (
        np.ones((2, 9), "float32"),
        np.eye(4, dtype="float32")[None].repeat(2, 0),
    )
    mask[0, 6:], labels[1, 3] = 0, 0
    even = np.asarray(balanced(logits, mask, labels))
    assigned = softmax(np.where(labels.max(1)[:, None], even, -1e9)) * mask[..., None]
    np.testing.assert_allclose(assigned.sum(1)[0], [6 / 4] * 4, atol=1e-3)
    np.testing.assert_allclose(assigned.sum(1)[1], [3, 3, 3, 0], atol=1e-3)
    # Only something for each class has been added.
    added = (even - logits)[:, :, :3]
    np.testing.assert_allclose(added, added[:, :1].repeat(9, axis=1), atol=1e-5)


def test_by_hand_two_queries_and_two_classes():
    # Both queries prefer the first class, by 1 and by 3: added to the second, 2 makes
    # the preferences opposite.
    logits = np.array([[[1.0, 0.0], [3.0, 0.0]]], "float32")
    mask, labels = np.ones((1, 2), "float32"), np.eye(2, dtype="float32")[None]
    even = np.asarray(balanced(logits, mask, labels))
    differences = even[0, :, 0] - even[0, :, 1]
    np.testing.assert_allclose(differences, [-1.0, 1.0], atol=1e-4)


def test_negative_parts_are_cut():
    support, labels, query, _ = padded_episodes()
    support, query = support - 0.3, query - 0.3
    head = PTMAPHead(steps=2)
    np.testing.assert_array_equal(
        head(support, labels, query),
        head(np.maximum(support, 0), labels, np.maximum(query, 0)),
    )
