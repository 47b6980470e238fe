"""Classes of many and of few examples."""

import numpy as np
import pytest

from fsl_keras.heads import LinearHead, LogisticHead, RidgeHead

HEADS = {
    "logistic": LogisticHead,
    "ridge": lambda: RidgeHead(0.13, relative=True),
    "linear": LinearHead,
    "linear_cosine": lambda: LinearHead("cosine"),
}


def clusters(counts, seed=0):
    """Overlapping classes with an example for each of `counts`, and their labels."""
    classes = np.repeat(np.arange(len(counts)), counts)
    noise = np.random.default_rng(seed).normal(size=(len(classes), 12))
    items = 1.5 + np.eye(len(counts), 12)[classes] + noise
    return items.astype("float32")[None], np.eye(len(counts), dtype="float32")[classes]


@pytest.mark.parametrize("head", HEADS)
def test_a_class_of_few_examples_is_predicted_as_often_as_one_of_many(head):
    support, labels = clusters([90, 10])
    query, _ = clusters([400, 400], seed=1)
    found = np.asarray(HEADS[head]()(support, labels[None], query))[0].argmax(-1)
    recalls = [(found[:400] == 0).mean(), (found[400:] == 1).mean()]
    assert min(recalls) > 0.4
    assert np.mean(recalls) > 0.6


def test_a_class_whose_examples_are_all_there_twice_counts_no_more():
    support, labels = clusters([5, 5])
    rows = [*range(10), *range(5)]
    query, _ = clusters([3, 3], seed=1)
    # The regularization is compared to a sum over examples, 10 and 15.
    once = RidgeHead(10.0)(support, labels[None], query)
    twice = RidgeHead(15.0)(support[:, rows], labels[None, rows], query)
    np.testing.assert_allclose(once, twice, rtol=1e-4, atol=1e-4)


def test_few_and_many_dimensions_take_the_same_steps():
    # 15 examples in 12 dimensions are fitted in the dimensions; with zeros appended,
    # which say nothing, in the examples.
    support, labels = clusters([10, 5])
    query, _ = clusters([4, 4], seed=1)
    wide = [np.pad(items, [(0, 0), (0, 0), (0, 8)]) for items in (support, query)]
    head = LogisticHead()
    np.testing.assert_allclose(
        head(support, labels[None], query),
        head(wide[0], labels[None], wide[1]),
        rtol=1e-3,
        atol=1e-3,
    )
