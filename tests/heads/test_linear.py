import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from fsl_keras.heads import LinearHead, PrototypeHead
from tests.heads.checks import (
    assert_logits,
    balanced,
    each_shots,
    signed_episodes,
    softmax,
)

SIMILARITIES = ["dot", "cosine"]
each_similarity = pytest.mark.parametrize("similarity", SIMILARITIES)


def lengths(vectors):
    return np.linalg.norm(vectors, axis=-1, keepdims=True)


def reference(support, labels, query, head):
    """Gradient steps on the weights themselves, for one task without padding."""
    fit = fit_dot if head.similarity == "dot" else fit_cosine
    return fit(support, labels, query, head)


def fit_dot(items, targets, query, head):
    size = np.sqrt(np.mean(lengths(items) ** 2))
    items, query = (np.c_[x / size, np.ones(len(x))] for x in (items, query))
    weights = velocity = np.zeros((items.shape[1], targets.shape[1]))
    for _ in range(head.steps):
        errors = balanced(targets) * (softmax(items @ weights) - targets) / len(items)
        gradient = items.T @ errors + head.weight_decay * weights
        velocity = 0.9 * velocity + gradient
        weights = weights - head.learning_rate * velocity
    return query @ weights


def fit_cosine(items, targets, query, head):
    items, query = (x / lengths(x) for x in (items, query))
    weights = (targets / targets.sum(axis=0)).T @ items
    velocity = np.zeros_like(weights)
    for _ in range(head.steps):
        directions = weights / lengths(weights)
        logits = head.scale * items @ directions.T
        errors = balanced(targets) * (softmax(logits) - targets) / len(items)
        by_direction = head.scale * errors.T @ items
        radial = np.sum(by_direction * directions, axis=1, keepdims=True) * directions
        gradient = (by_direction - radial) / lengths(weights)
        velocity = 0.9 * velocity + gradient + head.weight_decay * weights
        weights = weights - head.learning_rate / head.scale**2 * velocity
    return head.scale * query @ (weights / lengths(weights)).T


class TestOneStepByHand:
    """Two examples of length 2, one per class, at right angles."""

    support = np.array([[[2.0, 0.0], [0.0, 2.0]]], "float32")
    labels = np.eye(2, dtype="float32")[None]
    query = np.array([[[4.0, 2.0]]], "float32")

    def test_linear(self):
        # Divided by 2 the examples are (1, 0) and (0, 1). From zero weights every
        # probability is 1/2, every error 1/2 of one of two examples: after a step of
        # 1 the weights are (1/4, -1/4) and (-1/4, 1/4), the biases zero. The query
        # is (2, 1).
        head = LinearHead(steps=1)
        logits = head(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[0.25, -0.25]]], rtol=1e-6)

    def test_cosine(self):
        # The weights begin at (1, 0) and (0, 1). With the scale log(3) each
        # example has 3/4 for its class, so an error of 1/4 of one of two. The step
        # along the weights turns nothing; across them it is log(3) / 8 times the rate
        # 6 log(3) / log(3)^2, away from the other example: (1, -3/4) and (-3/4, 1),
        # at unit length (.8, -.6) and (-.6, .8). The query is (.6, .8).
        head = LinearHead("cosine", 1, 6 * np.log(3.0), 0.0, scale=np.log(3.0))
        logits = head(self.support, self.labels, np.array([[[3.0, 4.0]]]))
        # log(3) times .48 - .48 and -.36 + .64.
        np.testing.assert_allclose(logits, [[[0.0, 0.307611]]], atol=1e-6)

    def test_unequal_shots_move_no_bias(self):
        # Two examples of class 0 and one of class 1, all the same. Errors are -1/2,
        # -1/2 and 1/2, and count 3/4, 3/4 and 3/2: their sum is zero.
        support = np.array([[[3.0], [3.0], [3.0]]], "float32")
        labels = np.eye(2, dtype="float32")[None, [0, 0, 1]]
        head = LinearHead(steps=1)
        state = head.prepare(head.remember(support, labels))
        np.testing.assert_allclose(state["biases"], [[0, 0]], atol=1e-7)
        np.testing.assert_allclose(state["weights"], [[[0], [0]]], atol=1e-7)


@each_shots
@each_similarity
@pytest.mark.parametrize("seed", range(2))
def test_random_episodes_with_padding(seed, similarity, shots):
    head = LinearHead(similarity, steps=20, learning_rate=0.7, weight_decay=0.01)
    assert_logits(
        head,
        signed_episodes(seed, shots),
        lambda *task: reference(*task, head),
        rtol=1e-3,
        atol=1e-4,
    )


@each_similarity
def test_more_examples_than_dimensions(similarity):
    head = LinearHead(similarity, steps=300)
    assert_logits(
        head,
        signed_episodes(shots=(10, 12, 8), shape=(2,)),
        lambda *task: reference(*task, head),
        rtol=1e-3,
        atol=1e-3,
    )


@each_similarity
def test_the_steps_lower_the_loss_of_the_support_set(similarity):
    support, labels, _, _ = signed_episodes(shots=(5, 9, 6), shape=(3,))
    losses = []
    for steps in (0, 1, 10, 100):
        logits = np.asarray(LinearHead(similarity, steps)(support, labels, support))
        picked = np.sum(softmax(logits) * labels, axis=-1)[labels.any(axis=-1)]
        losses.append(-np.log(picked).mean())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]


def test_the_steps_converge_to_logistic_regression():
    # scikit-learn sums the loss, this head takes its mean.
    decay, shots = 0.05, (4, 3, 2)

    def minimum(support, labels, query):
        size = np.sqrt(np.mean(lengths(support) ** 2))
        inputs, query = (np.c_[x / size, np.ones(len(x))] for x in (support, query))
        model = LogisticRegression(
            C=1 / (decay * len(inputs)), fit_intercept=False, tol=1e-8, max_iter=1000
        )
        model.fit(inputs, labels.argmax(axis=1), sample_weight=balanced(labels)[:, 0])
        return model.decision_function(query)

    assert_logits(
        LinearHead(steps=300, weight_decay=decay),
        signed_episodes(shots=shots, shape=(8,)),
        minimum,
        atol=1e-4,
    )


@pytest.mark.parametrize("factor", [1e-3, 1e3])
@each_similarity
def test_the_scale_of_the_embeddings_does_not_matter(similarity, factor):
    support, labels, query, _ = signed_episodes()
    head = LinearHead(similarity, steps=20)
    np.testing.assert_allclose(
        head(support * factor, labels, query * factor),
        head(support, labels, query),
        rtol=1e-3,
        atol=1e-3,
    )


def test_without_a_step_the_cosine_classifier_is_the_class_means():
    support, labels, query, _ = signed_episodes()
    normalized = support / lengths(support)
    np.testing.assert_allclose(
        LinearHead("cosine", steps=0, scale=5.0)(support, labels, query),
        PrototypeHead("cosine", scale=5.0)(normalized, labels, query),
        atol=1e-5,
    )


@each_similarity
def test_the_answer_is_the_same_at_every_call(similarity):
    head, given = LinearHead(similarity, steps=20), signed_episodes()[:3]
    np.testing.assert_array_equal(head(*given), head(*given))


@each_similarity
def test_rounding_does_not_grow_in_the_steps(similarity):
    # Other tasks, padding and another order change the last digits of the sums.
    head = tf.function(LinearHead(similarity), reduce_retracing=True)
    support, labels, query, _ = signed_episodes(tasks=3)
    expected = np.asarray(head(support, labels, query))
    for task in range(3):
        order = np.random.default_rng(task).permutation(support.shape[1])
        items = support[task : task + 1, order], labels[task : task + 1, order]
        alone = head(*items, query[task : task + 1])
        np.testing.assert_allclose(alone[0], expected[task], rtol=1e-4, atol=1e-4)


@each_similarity
def test_with_one_shot_an_example_is_of_its_own_class(similarity):
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = LinearHead(similarity)(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]


@each_similarity
def test_one_way(similarity):
    logits = LinearHead(similarity, steps=20)(
        np.ones((1, 2, 3)), np.ones((1, 2, 1)), np.ones((1, 4, 3))
    )
    assert logits.shape == (1, 4, 1)
    assert np.isfinite(logits).all()


@each_similarity
def test_shapes_may_be_unknown_when_it_is_traced(similarity):
    head = LinearHead(similarity, steps=20)
    spec = tf.TensorSpec((None, None, None), "float32")
    wide = tf.TensorSpec((None, None, 6), "float32")
    answer = tf.function(head, input_signature=[wide, spec, wide])
    for episode in (signed_episodes(), signed_episodes(1, (2, 1), tasks=3)):
        given = episode[:3]
        np.testing.assert_allclose(answer(*given), head(*given), rtol=1e-3, atol=1e-4)


@each_similarity
def test_the_gradient_reaches_the_queries_and_not_the_support_set(similarity):
    support, labels, query, _ = map(tf.constant, signed_episodes())
    with tf.GradientTape() as tape:
        tape.watch([support, query])
        logits = LinearHead(similarity, steps=2)(support, labels, query)
    of_support, of_query = tape.gradient(logits, [support, query])
    assert of_support is None
    assert np.abs(of_query).max() > 0


def test_an_unknown_similarity_is_rejected():
    with pytest.raises(ValueError, match=r"dot.*cosine.*'euclidean'"):
        LinearHead("euclidean")
