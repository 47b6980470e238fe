import keras
import numpy as np
import pytest

from fsl_keras.heads import FEATHead, PrototypeHead


def softmax(scores):
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def transformed(head, vectors):
    """The transformer's layer on one set of vectors `[n, D]`, in double precision."""
    attention = [w.astype("float64") for w in head.transform.attention.get_weights()]
    query, query_bias, key, key_bias, value, value_bias, out, out_bias = attention
    gain, offset = head.transform.norm.get_weights()
    q = np.einsum("nd,dhk->hnk", vectors, query) + query_bias[:, None]
    k = np.einsum("nd,dhk->hnk", vectors, key) + key_bias[:, None]
    v = np.einsum("nd,dhk->hnk", vectors, value) + value_bias[:, None]
    shares = softmax(np.einsum("hnk,hmk->hnm", q, k) / np.sqrt(q.shape[-1]))
    added = np.einsum("hnm,hmk,hkd->nd", shares, v, out) + out_bias
    summed = vectors + added
    centred = summed - summed.mean(-1, keepdims=True)
    variance = np.square(centred).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * gain + offset


def negative_distances(query, centres):
    return -np.square(query[:, None] - centres).sum(-1)


def random_episode(seed, dimensions=8, ways=4, length=9, tasks=2):
    """Unequal shots, among them classes without any; two places are padding."""
    rng = np.random.default_rng(seed)
    labels = np.eye(ways)[rng.integers(0, ways, (tasks, length))]
    labels[:, rng.permutation(length)[:2]] = 0
    support = rng.normal(size=(tasks, length, dimensions))
    query = rng.normal(size=(tasks, 6, dimensions))
    return [x.astype("float32") for x in (support, labels, query)]


@pytest.fixture(params=[1, 2], ids=["one head", "two heads"])
def head(request):
    """Weights are random, those that begin as zeros or ones too."""
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=3, heads=request.param, temperature=4.0)
    head.build((None, None, 8))
    rng = np.random.default_rng(0)
    head.set_weights([w + rng.normal(size=w.shape) / 5 for w in head.get_weights()])
    return head


@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_of_unequal_shots_with_padding(head, seed):
    episode = random_episode(seed)
    logits = np.asarray(head(*episode))
    for task, (support, labels, query) in enumerate(zip(*episode, strict=True)):
        present = np.flatnonzero(labels.max(0))
        means = [support[labels[:, way] == 1].mean(0) for way in present]
        centres = transformed(head, np.array(means))
        expected = np.full(logits[task].shape, -1e9)
        expected[:, present] = negative_distances(query, centres) / 4
        np.testing.assert_allclose(logits[task], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_items_are_contrasted_by_the_centres_of_their_classes_as_sets(head, seed):
    items, labels, _ = random_episode(seed)
    logits = np.asarray(head.contrast(items, labels))
    for task in range(2):
        expected = np.full((9, 4), -1e9)
        for way in np.flatnonzero(labels[task].max(0)):
            of_class = items[task][labels[task, :, way] == 1]
            centre = transformed(head, of_class).mean(0, keepdims=True)
            expected[:, [way]] = negative_distances(items[task], centre) / 4
        np.testing.assert_allclose(logits[task], expected, rtol=1e-4, atol=1e-4)


def test_attention_that_adds_nothing_leaves_normalized_prototypes():
    head = FEATHead(key_dim=4, temperature=2.0)
    support, labels, query = random_episode(0)
    head(support, labels, query)
    head.transform.attention.set_weights(
        [0 * w for w in head.transform.attention.get_weights()]
    )
    plain = PrototypeHead()
    state = plain.prepare(plain.remember(support, labels))
    state["prototypes"] = head.transform.norm(state["prototypes"])
    expected = np.asarray(plain.score(state, query))
    present = expected > -1e8
    logits = np.asarray(head(support, labels, query))
    np.testing.assert_allclose(logits[present], expected[present] / 2, rtol=1e-5)


def test_there_is_dropout_in_training_only():
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=4, dropout=0.5)
    episode = random_episode(0)
    still = [np.asarray(head(*episode)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    moving = [np.asarray(head(*episode, training=True)) for _ in range(2)]
    assert np.abs(moving[0] - moving[1]).max() > 1e-3
    items, labels, _ = episode
    np.testing.assert_array_equal(*(head.contrast(items, labels) for _ in range(2)))
    moving = [head.contrast(items, labels, training=True) for _ in range(2)]
    assert np.abs(moving[0] - moving[1]).max() > 1e-3


def test_one_way():
    support, _, query = random_episode(0)
    logits = FEATHead(key_dim=4)(support, np.ones((2, 9, 1)), query)
    assert logits.shape == (2, 6, 1)
    assert np.isfinite(logits).all()


def test_a_class_that_comes_moves_the_others():
    keras.utils.set_random_seed(0)
    head = FEATHead(key_dim=4)
    assert head.incremental == "refit"
    support, labels, query = random_episode(0)
    narrow = labels * [1, 1, 1, 0]
    logits = [np.asarray(head(support, y, query)) for y in (labels, narrow)]
    assert np.abs(logits[0] - logits[1])[0, :, :3].max() > 1e-4


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_not_above_0_is_refused(temperature):
    with pytest.raises(ValueError, match=rf"above 0.*64\.0.*={temperature}"):
        FEATHead(key_dim=4, temperature=temperature)
