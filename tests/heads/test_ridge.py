import math

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import Ridge

from fsl_keras.heads import RidgeHead
from fsl_keras.heads.ridge import dual, primal
from tests.heads.checks import balanced, softmax


def reference(support, labels, query, ridge, scale=10.0):
    """scikit-learn on one task at a time without its padding, in double precision."""
    logits = []
    for x, y, q in zip(support, labels, query, strict=True):
        real = y.max(-1) == 1
        x, y = x[real].astype("float64"), y[real]
        weights = balanced(y[:, y.any(axis=0)])[:, 0]
        model = Ridge(ridge, fit_intercept=False).fit(x, y, sample_weight=weights)
        logits.append(np.where(y.max(0) > 0, scale * model.predict(q), -1e9))
    return np.array(logits)


def random_episode(seed, dimensions, ways=4, length=9, tasks=2):
    """Unequal shots, among them classes without any; two places are padding."""
    rng = np.random.default_rng(seed)
    labels = np.eye(ways)[rng.integers(0, ways, (tasks, length))]
    labels[:, rng.permutation(length)[:2]] = 0
    support = rng.normal(size=(tasks, length, dimensions))
    query = rng.normal(size=(tasks, 6, dimensions))
    return [x.astype("float32") for x in (support, labels, query)]


def test_by_hand():
    # X = [[1, 0], [0, 2]], Y = I: W = diag(1 / (1 + 1), 2 / (4 + 1)).
    support = np.array([[[1.0, 0.0], [0.0, 2.0]]], "float32")
    head = RidgeHead(regularization=1.0, scale=1.0)
    state = head.prepare(head.remember(support, np.eye(2)[None]))
    np.testing.assert_allclose(state["weights"], [[[0.5, 0], [0, 0.4]]], rtol=1e-6)
    logits = head.score(state, np.array([[[2.0, 1.0]]]))
    np.testing.assert_allclose(logits, [[[1.0, 0.4]]], rtol=1e-6)


def test_a_relative_regularization_is_in_units_of_squared_lengths():
    # The mean squared length of [1, 0] and [0, 2] is 2.5: lambda is 0.4 * 2.5 = 1.
    support = np.array([[[1.0, 0.0], [9.0, 9.0], [0.0, 2.0]]], "float32")
    labels = np.array([[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]])  # one is padding
    head = RidgeHead(regularization=0.4, scale=1.0, relative=True)
    query = np.array([[[2.0, 1.0]]])
    np.testing.assert_allclose(head(support, labels, query), [[[1.0, 0.4]]], rtol=1e-6)
    # Longer embeddings change nothing but by their own factor.
    longer = head(10 * support, labels, 10 * query)
    np.testing.assert_allclose(longer, [[[1.0, 0.4]]], rtol=1e-6)


# Fewer dimensions than examples, and more: each has a system of its own.
@pytest.mark.parametrize("dimensions", [3, 16])
@pytest.mark.parametrize("regularization", [0.1, 10.0])
def test_random_episodes_agree_with_scikit_learn(regularization, dimensions):
    episode = random_episode(0, dimensions)
    np.testing.assert_allclose(
        RidgeHead(regularization)(*episode),
        reference(*episode, regularization),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("dimensions", [3, 16])
def test_both_forms_are_equal(dimensions):
    support, labels, _ = random_episode(0, dimensions)
    support *= labels.max(-1, keepdims=True)
    ridge = np.array([0.5, 2.0], "float32")
    np.testing.assert_allclose(
        dual(support, labels, ridge), primal(support, labels, ridge), atol=1e-5
    )


def test_one_form_fits_all_shapes_when_they_are_not_known():
    head = RidgeHead()
    specs = [tf.TensorSpec((None, None, n)) for n in (3, None, 3)]
    traced = tf.function(lambda *given: head(*given), input_signature=specs)
    for episode in (random_episode(0, 3), random_episode(1, 3, ways=2, length=4)):
        np.testing.assert_allclose(traced(*episode), head(*episode), atol=1e-4)


@pytest.mark.parametrize("dimensions", [3, 16])
@pytest.mark.parametrize("regularization", [50.0, 1e-30])
class TestTheSystemIsNeverSingular:
    labels = np.eye(3, dtype="float32")[None, np.arange(9) % 3]

    def learned(self, regularization, support):
        head = RidgeHead(regularization)
        support = tf.constant(support)
        with tf.GradientTape() as tape:
            tape.watch(support)
            logits = head(support, self.labels, support)
            loss = tf.reduce_sum(tf.square(logits))
        assert np.isfinite(tape.gradient(loss, support)).all()
        return logits

    def test_with_the_same_example_for_all_classes(self, regularization, dimensions):
        support = np.full((1, 9, dimensions), 100.0, "float32")
        # Each class has a third of the examples at this place.
        expected = np.full((1, 9, 3), 10 / 3)
        logits = self.learned(regularization, support)
        np.testing.assert_allclose(logits, expected, rtol=1e-2)

    def test_with_embeddings_of_zeros(self, regularization, dimensions):
        support = np.zeros((1, 9, dimensions), "float32")
        np.testing.assert_array_equal(
            self.learned(regularization, support), np.zeros((1, 9, 3))
        )


def test_the_regularization_has_the_gradient_of_the_formula():
    episode = random_episode(0, 16)
    head = RidgeHead(regularization=2.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.softmax(head(*episode))[..., 0])

    def loss_at(log_ridge):
        logits = reference(*episode, math.exp(log_ridge))
        return softmax(logits)[..., 0].sum()

    expected = (loss_at(math.log(2) + 1e-4) - loss_at(math.log(2) - 1e-4)) / 2e-4
    found = tape.gradient(loss, head.log_regularization.value)
    assert abs(expected) > 1e-3
    assert float(found) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("dimensions", [3, 16])
def test_the_gradient_goes_through_the_solution_but_not_to_padding(dimensions):
    support, labels, query = random_episode(0, dimensions)
    support = tf.constant(support)
    with tf.GradientTape() as tape:
        tape.watch(support)
        logits = RidgeHead()(support, labels, query)
        loss = tf.reduce_sum(tf.square(tf.maximum(logits, -100.0)))
    sizes = np.abs(tape.gradient(loss, support)).max(-1)
    np.testing.assert_array_equal(sizes > 0, labels.max(-1) > 0)


def test_one_shot_and_one_way():
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = RidgeHead(0.01)(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]
    assert RidgeHead()(support, np.ones((1, 5, 1)), support).shape == (1, 5, 1)


def test_scale_and_bias_of_the_logits():
    support = np.array([[[1.0, 0.0], [0.0, 2.0]]], "float32")
    head = RidgeHead(regularization=1.0, scale=1.0)
    head.scale.assign(3.0)
    head.bias.assign(-0.5)
    state = head.prepare(head.remember(support, np.eye(2)[None]))
    # Three times the [1, 0.4] of the test by hand, less a half.
    with tf.GradientTape() as tape:
        logits = head.score(state, np.array([[[2.0, 1.0]]]))
        of_each = tf.reduce_sum(tf.square(logits))
    np.testing.assert_allclose(logits, [[[2.5, 0.7]]], rtol=1e-6)
    assert float(tape.gradient(of_each, head.bias.value)) == pytest.approx(6.4)


def test_one_shot_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    support, query = rng.normal(size=(2, 2, 4, 6)).astype("float32")
    labels = np.tile(np.eye(4, dtype="float32")[[2, 0, 3, 1]], (2, 1, 1))
    np.testing.assert_allclose(
        RidgeHead(0.5)(support, labels, query),
        reference(support, labels, query, 0.5),
        rtol=1e-4,
        atol=1e-4,
    )


def test_what_is_learned():
    names = [weight.name for weight in RidgeHead().trainable_weights]
    assert names == ["log_regularization", "scale", "bias"]
    fixed = RidgeHead(regularization=3.0, learned=False)
    assert fixed.trainable_weights == []
    assert math.exp(float(fixed.log_regularization)) == pytest.approx(3.0)


@pytest.mark.parametrize("regularization", [0.0, -1.0, math.nan, math.inf])
def test_a_regularization_that_is_not_above_0_is_rejected(regularization):
    with pytest.raises(ValueError, match=rf"above 0.*1\.0.*={regularization}"):
        RidgeHead(regularization)
