import keras
import numpy as np
import pytest

from fsl_keras.heads import FEATHead, PrototypeHead
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    signed_episodes,
    softmax,
    squared_distances,
)


def transformed(head, vectors):
    """The transformer's layer on one set of vectors `[n, D]`, in double precision."""
    attention = [w.astype("float64") for w in head.transform.attention.get_weights()]
    query, query_bias, key, key_bias, value, value_bias, out, out_bias = attention
    gain, offset = head.transform.norm.get_weights()
    q = np.einsum("nd,dhk->hnk", vectors, query) + query_bias[:, None]
    k = np.einsum("nd,dhk->hnk", vectors, key) + key_bias[:, None]
    v = np.einsum("nd,dhk->hnk", vectors, value) + value_bias[:, None]
    attention = softmax(np.einsum("hnk,hmk->hnm", q, k) / np.sqrt(q.shape[-1]))
    added = np.einsum("hnm,hmk,hkd->nd", attention, v, out) + out_bias
    summed = vectors + added
    centered = summed - summed.mean(-1, keepdims=True)
    variance = np.square(centered).mean(-1, keepdims=True)
    return centered / np.sqrt(variance + 1e-5) * gain + offset


@pytest.fixture(params=[1, 2], ids=["one head", "two heads"])
def head(request):
    """Weights are random, those that begin as zeros or ones too."""
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=3, num_heads=request.param, temperature=4.0)
    head.build((None, None, 6))
    rng = np.random.default_rng(0)
    head.set_weights([w + rng.normal(size=w.shape) / 5 for w in head.get_weights()])
    return head


@each_shots
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(head, seed, shots):
    def reference(support, labels, query):
        centers = transformed(head, class_means(support, labels))
        return -squared_distances(query, centers) / 4

    assert_logits(head, signed_episodes(seed, shots), reference, rtol=1e-4, atol=1e-4)


@each_shots
@pytest.mark.parametrize("seed", range(3))
def test_items_are_contrasted_by_the_centers_of_their_classes_as_sets(
    head, seed, shots
):
    items, labels, *_ = signed_episodes(seed, shots)
    logits = np.asarray(head.contrast(items, labels))
    for task in range(2):
        expected = np.full(labels[task].shape, -1e9)
        for way in np.flatnonzero(shots):
            of_class = items[task][labels[task, :, way] == 1]
            center = transformed(head, of_class).mean(0, keepdims=True)
            expected[:, [way]] = -squared_distances(items[task], center) / 4
        np.testing.assert_allclose(logits[task], expected, rtol=1e-4, atol=1e-4)


def test_by_hand():
    # With keys of zeros all prototypes get the same attention, and values of one add
    # their mean. Prototypes (-1, 5, 1, -5) and (5, -1, -5, 1) have the mean
    # (2, 2, -2, -2): the sums (1, 7, -1, -7) and (7, 1, -7, -1) have the standard
    # deviation 5 and become (.2, 1.4, -.2, -1.4) and (1.4, .2, -1.4, -.2).
    head = FEATHead(key_dim=4, temperature=2.0)
    head.build((None, None, 4))
    zeros, ones = np.zeros((4, 1, 4)), np.eye(4)[:, None]
    kernels = [zeros, zeros, ones, ones.swapaxes(0, 1)]  # query, key, value, output
    biases = [np.zeros((1, 4))] * 3 + [np.zeros(4)]
    weights = [x for pair in zip(kernels, biases, strict=True) for x in pair]
    head.transform.attention.set_weights(weights)
    support = [[[-3.0, 5, 1, -5], [1, 5, 1, -5], [5, -1, -5, 1]]]
    labels = np.eye(2)[None, [0, 0, 1]]
    query = np.array([[[0.2, 1.4, -0.2, -1.4], [1.0, 0, 0, 0]]])
    # Squared distances 0 and 4 * 1.44, and 4 + 1 - 0.4 and 4 + 1 - 2.8, halved.
    logits = head(np.array(support), labels, query)
    np.testing.assert_allclose(logits, [[[0, -2.88], [-2.3, -1.1]]], atol=1e-5)


def test_attention_that_adds_nothing_leaves_normalized_prototypes():
    head = FEATHead(key_dim=4, temperature=2.0)
    support, labels, query, _ = signed_episodes()
    head(support, labels, query)
    head.transform.attention.set_weights(
        [0 * w for w in head.transform.attention.get_weights()]
    )
    plain = PrototypeHead()
    state = plain.prepare(plain.remember(support, labels))
    means = head.transform.norm(state["prototypes"])
    normalized = plain.prepare({"sums": means, "counts": state["present"]})
    expected = np.asarray(plain.score(normalized, query))
    present = expected > -1e8
    logits = np.asarray(head(support, labels, query))
    np.testing.assert_allclose(logits[present], expected[present] / 2, rtol=1e-5)


def test_there_is_dropout_in_training_only():
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=4, dropout=0.5)
    episode = signed_episodes()[:3]
    still = [np.asarray(head(*episode)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    moving = [np.asarray(head(*episode, training=True)) for _ in range(2)]
    assert np.abs(moving[0] - moving[1]).max() > 1e-3
    items, labels, _ = episode
    np.testing.assert_array_equal(*(head.contrast(items, labels) for _ in range(2)))
    moving = [head.contrast(items, labels, training=True) for _ in range(2)]
    assert np.abs(moving[0] - moving[1]).max() > 1e-3


def test_one_way():
    support, _, query, _ = signed_episodes()
    logits = FEATHead(key_dim=4)(support, np.ones((2, 8, 1)), query)
    assert logits.shape == (2, 7, 1)
    assert np.isfinite(logits).all()


def test_a_class_that_comes_moves_the_others():
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=4)
    assert head.incremental == "refit"
    support, labels, query, _ = signed_episodes()
    narrow = labels * [1, 1, 0]
    logits = [np.asarray(head(support, y, query)) for y in (labels, narrow)]
    assert np.abs(logits[0] - logits[1])[0, :, :2].max() > 1e-4


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_not_above_0_is_rejected(temperature):
    with pytest.raises(ValueError, match=rf"above 0.*64\.0.*={temperature}"):
        FEATHead(key_dim=4, temperature=temperature)
