"""The memory that a classifier does not store, as it is in the state already."""

import keras
import numpy as np
import pytest

from fsl_keras import heads
from tests.heads.checks import class_means

RESTORED = {
    "squared Euclidean": heads.PrototypeHead,
    "cosine": lambda: heads.PrototypeHead("cosine"),
    "simple shot": heads.SimpleShotHead,
    "whitened": heads.WhitenedHead,
}


@pytest.fixture(params=list(RESTORED))
def head(request):
    head = RESTORED[request.param]()
    if not head.built:
        head.build((None, None, 5))
    return head


def episode():
    rng = np.random.default_rng(0)
    labels = np.eye(4, dtype="float32")[[0, 0, 0, 1, 2, 2]]
    return rng.normal(size=(1, 6, 5)).astype("float32"), labels[None]


def test_sums_are_restored_from_the_prototypes(head):
    memory = head.remember(*episode())
    state = head.prepare(memory)
    stored = {name: v for name, v in memory.items() if name not in head.restored}
    assert set(stored) == {"counts"}
    restored = head.restore(stored, state)
    assert set(restored) == set(memory)
    for name, value in memory.items():
        np.testing.assert_allclose(restored[name], value, rtol=1e-6)


def test_the_squared_lengths_are_those_of_the_prototypes(head):
    state = head.prepare(head.remember(*episode()))
    squares = np.sum(np.square(state["prototypes"]), axis=-1)
    np.testing.assert_allclose(state["squares"], squares, rtol=1e-6)
    assert squares[0, 3] == 0  # a class without examples


def test_the_search_metric_orders_classes_as_the_logits_do(head):
    support, labels = episode()
    state = head.prepare(head.remember(support, labels))
    query = np.random.default_rng(1).normal(size=(1, 8, 5)).astype("float32")
    present = np.asarray(state["prototypes"])[0, :3]
    vectors = keras.ops.convert_to_numpy(head.search_vectors(query))[0]
    distances = np.linalg.norm(vectors[:, None] - present, axis=-1)
    if head.search_metric == "cosine":
        lengths = np.linalg.norm(vectors, axis=-1)[:, None]
        distances = -vectors @ present.T / np.linalg.norm(present, axis=-1) / lengths
    logits = np.asarray(head.score(state, query))[0, :, :3]
    np.testing.assert_array_equal(np.argsort(distances), np.argsort(-logits))


def test_factors_of_prototypes(head):
    query = np.random.default_rng(1).normal(size=(1, 3, 5)).astype("float32")
    state = head.prepare(head.remember(*episode()))
    factors = np.array([[0.5, 2.0, 0.1, 1.0]], "float32")
    divided = state["prototypes"] / factors[..., None]
    found = head.score({**state, "prototypes": divided, "scales": factors}, query)
    np.testing.assert_allclose(found, head.score(state, query), rtol=1e-4, atol=1e-4)


def test_one_query_is_answered_as_many(head):
    query = np.random.default_rng(1).normal(size=(1, 3, 5)).astype("float32")
    state = head.prepare(head.remember(*episode()))
    alone = head.score(state, query[:, 1:2])
    expected = np.asarray(head.score(state, query))[:, 1:2]
    np.testing.assert_allclose(alone, expected, rtol=1e-5, atol=1e-5)


def test_prototypes_are_class_means():
    support, labels = episode()
    head = heads.PrototypeHead()
    state = head.prepare(head.remember(support, labels))
    expected = class_means(support[0], labels[0][:, :3])
    np.testing.assert_allclose(state["prototypes"][0, :3], expected, rtol=1e-5)
