import math

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from fsl_keras.heads import LogisticHead
from tests.heads.checks import (
    assert_logits,
    balanced,
    each_shots,
    signed_episodes,
)


def reference(support, labels, query, regularization):
    """The minimum by scikit-learn, in float64."""
    size = np.sqrt(np.mean(np.sum(support**2, axis=-1)))
    # The regularization includes the biases: they are weights of an input of ones.
    inputs, query = (np.c_[x / size, np.ones(len(x))] for x in (support, query))
    model = LogisticRegression(
        C=1 / regularization, fit_intercept=False, tol=1e-8, max_iter=1000
    )
    model.fit(inputs, labels.argmax(axis=1), sample_weight=balanced(labels)[:, 0])
    return model.decision_function(query)


def test_by_hand():
    # Two examples, 1 and -1: by symmetry the weights are w and -w, the biases 0. The
    # loss 2 log(1 + e^-2w) + lambda w^2 has its minimum where lambda w = 2 p, with
    # p = 1 / (1 + e^2w) the probability of the wrong class.
    w = 0.5
    regularization = 2 / (1 + math.exp(2 * w)) / w
    support = np.array([[[1.0], [-1.0]]], "float32")
    logits = LogisticHead(regularization)(support, np.eye(2)[None], support)
    np.testing.assert_allclose(logits, [[[w, -w], [-w, w]]], atol=1e-5)


@each_shots
@pytest.mark.parametrize("regularization", [0.1, 3.0])
@pytest.mark.parametrize("dimensions", [2, 6])
def test_random_episodes_agree_with_scikit_learn(shots, regularization, dimensions):
    assert_logits(
        LogisticHead(regularization),
        signed_episodes(0, shots, shape=(dimensions,)),
        lambda *task: reference(*task, regularization),
        atol=1e-3,
    )


def test_many_examples_of_overlapping_classes():
    rng = np.random.default_rng(0)
    labels = np.eye(4)[rng.integers(0, 4, 200)]
    support = labels @ rng.normal(size=(4, 8)) + rng.normal(size=(200, 8))
    mask = np.ones((1, 200), bool)
    support = support.astype("float32")[None]
    assert_logits(
        LogisticHead(steps=400),  # fewer dimensions than examples are slowest
        (support, labels.astype("float32")[None], support, mask),
        lambda *task: reference(*task, 0.1),
        atol=5e-3,
    )


@pytest.mark.parametrize(
    "wrong", [{"regularization": 0.0}, {"regularization": math.inf}, {"steps": 0}]
)
def test_numbers_out_of_range_are_rejected(wrong):
    with pytest.raises(ValueError, match=r"above 0.*at least 1"):
        LogisticHead(**wrong)


def test_many_examples_of_few_dimensions_need_no_matrix_of_all_pairs():
    head, examples = LogisticHead(), 500
    support = np.zeros((1, examples, 4), "float32")
    labels = np.eye(2, dtype="float32")[None, np.arange(examples) % 2]
    head(support, labels, support)

    @tf.function(autograph=False)
    def fit(support, labels):
        return head(support, labels, support[:, :3])

    graph = fit.get_concrete_function(support, labels).graph.as_graph_def(
        add_shapes=True
    )
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    shapes = [
        [dimension.size for dimension in shape.dim]
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
    ]
    assert [1, examples, 2] in shapes
    assert not [shape for shape in shapes if shape.count(examples) > 1]
