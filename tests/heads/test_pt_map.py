import numpy as np
import pytest

from fsl_keras.heads import PTMAPHead
from fsl_keras.heads.pt_map import even_out
from tests.heads.checks import padded_episodes, softmax, unit, unpadded


def reference(support, labels, query, steps, rate=0.2, sharpness=10.0):
    """The method for one task without padding, with the plan as a matrix."""

    def transform(vectors):
        vectors = unit((np.maximum(vectors, 0) + 1e-6) ** 0.5)
        return unit(vectors - vectors.mean(axis=0))

    support, query = transform(support), transform(query)
    centres = labels.T @ support / labels.sum(0)[:, None]

    def plan():
        distances = ((query[:, None] - centres[None]) ** 2).sum(-1)
        shares = np.exp(-sharpness * distances)
        for _ in range(2000):
            shares = shares / shares.sum(axis=1, keepdims=True)
            columns = shares.sum(axis=0, keepdims=True)
            shares = shares * (len(query) / labels.shape[1]) / columns
        return shares / shares.sum(axis=1, keepdims=True)

    for _ in range(steps):
        weights = np.concatenate([labels, plan()])
        items = np.concatenate([support, query])
        means = weights.T @ items / weights.sum(axis=0)[:, None]
        centres = centres + rate * (means - centres)
    return plan()


@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_of_unequal_shots_with_padding(seed):
    episode = padded_episodes(seed)
    logits = PTMAPHead(steps=5)(*episode[:3], query_mask=episode[3])
    for task in range(2):
        expected = reference(*unpadded(*episode, task), steps=5)
        real = softmax(np.asarray(logits)[task][episode[3][task]])
        np.testing.assert_allclose(real, expected, atol=1e-3)


def test_every_class_gets_as_many_queries():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3.0, size=(2, 9, 4)).astype("float32")
    mask, labels = (
        np.ones((2, 9), "float32"),
        np.eye(4, dtype="float32")[None].repeat(2, 0),
    )
    mask[0, 6:], labels[1, 3] = 0, 0
    even = np.asarray(even_out(logits, mask, labels))
    shares = softmax(np.where(labels.max(1)[:, None], even, -1e9)) * mask[..., None]
    np.testing.assert_allclose(shares.sum(1)[0], [6 / 4] * 4, atol=1e-3)
    np.testing.assert_allclose(shares.sum(1)[1], [3, 3, 3, 0], atol=1e-3)
    # Only something for each class has been added.
    added = (even - logits)[:, :, :3]
    np.testing.assert_allclose(added, added[:, :1].repeat(9, axis=1), atol=1e-5)


def test_by_hand_two_queries_and_two_classes():
    # Both queries prefer the first class, by 1 and by 3: added to the second, 2 makes
    # the preferences opposite.
    logits = np.array([[[1.0, 0.0], [3.0, 0.0]]], "float32")
    mask, labels = np.ones((1, 2), "float32"), np.eye(2, dtype="float32")[None]
    even = np.asarray(even_out(logits, mask, labels))
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
