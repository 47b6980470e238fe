import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import MatchingHead
from tests.heads.checks import assert_logits, each_shots, signed_episodes, softmax, unit


def reference(support, labels, query, scale=10.0):
    """The formula for one task without padding, one class at a time."""
    attention = np.exp(scale * unit(query) @ unit(support).T)
    return np.log([attention[:, own == 1].sum(axis=1) for own in labels.T]).T


class TestByHand:
    # Two examples of class 0 along the first axis, one of class 1 along the second.
    support = np.array([[[2.0, 0.0], [0.5, 0.0], [0.0, 3.0]]], "float32")
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    query = np.array([[[3.0, 4.0]]], "float32")  # cosines 3/5, 3/5 and 4/5

    def test_a_class_is_the_sum_over_its_examples(self):
        logits = MatchingHead(scale=5.0)(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[3 + np.log(2), 4]]], rtol=1e-6)

    def test_the_softmax_is_the_attention_to_the_examples_of_each_class(self):
        head = MatchingHead(scale=5.0)
        state = head.prepare(head.remember(self.support, self.labels))
        attention = np.exp([3, 3, 4]) / np.exp([3, 3, 4]).sum()
        np.testing.assert_allclose(
            head.attention(state, self.query), [[attention]], rtol=1e-5
        )
        probabilities = keras.ops.softmax(head.score(state, self.query))
        expected = [[[attention[0] + attention[1], attention[2]]]]
        np.testing.assert_allclose(probabilities, expected, rtol=1e-5)

    def test_padding_gets_no_attention(self):
        head = MatchingHead()
        labels = self.labels * np.array([[[1], [0], [1]]])
        state = head.prepare(head.remember(self.support, labels))
        attention = np.asarray(head.attention(state, self.query))
        assert attention[0, 0, 1] == 0
        assert attention.sum() == pytest.approx(1)


@each_shots
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_random_episodes_with_padding(seed, scale, shots):
    assert_logits(
        MatchingHead(scale=scale),
        signed_episodes(seed, shots),
        lambda *task: reference(*task, scale),
        rtol=1e-4,
        atol=1e-5,
    )


def test_attention_too_small_for_float32_still_has_a_logarithm():
    # Cosines from -1 to 1 times 300: the sum for class 1 is exp(-600) of that for 0.
    support = np.array([[[1.0, 0.0], [-1.0, 0.0], [-0.8, 0.6], [1.0, 0.0]]], "float32")
    labels = np.array([[[1, 0], [0, 1], [0, 1], [0, 0]]], "float32")
    query = tf.constant([[[1.0, 0.0]]])
    head = MatchingHead(scale=300.0)
    with tf.GradientTape() as tape:
        tape.watch(query)
        logits = head(support, labels, query)
        loss = -logits[0, 0, 1]
    np.testing.assert_allclose(logits, [[[300, -240]]], rtol=1e-6)
    # The nearer example of class 1 pulls the query to the side.
    np.testing.assert_allclose(tape.gradient(loss, query), [[[0, -180]]], atol=1e-2)


@pytest.mark.parametrize("scale", [10.0, 100.0])
def test_the_gradient_is_that_of_the_formula(scale):
    support, labels, query, _ = signed_episodes()
    head = MatchingHead(scale=scale)
    support, query = tf.constant(support), tf.constant(query)
    mask = tf.constant(labels)[:, None] > 0
    answers = tf.argmax(tf.reduce_max(labels, 1), -1)[:, None] * tf.ones(
        (1, 7), "int64"
    )

    def losses(logits):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([support, query])
        loss = losses(head(support, labels, query))
        state = {"support": support, "labels": labels}
        each = head.similarities(state, query)[..., None]
        by_class = tf.reduce_logsumexp(tf.where(mask, each, -1e9), axis=2)
        expected = losses(by_class)
    sources = [support, query, head.scale.value]
    for found, wanted in zip(
        tape.gradient(loss, sources), tape.gradient(expected, sources), strict=True
    ):
        assert np.abs(wanted).max() > 0
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_with_one_shot_an_example_is_nearest_to_its_own_class():
    support = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    logits = MatchingHead()(support, np.eye(5)[None], support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 1, 2, 3, 4]]
    np.testing.assert_allclose(np.max(logits, axis=-1), np.full((1, 5), 10), rtol=1e-5)


def test_one_way():
    support, _, query, _ = signed_episodes()
    logits = MatchingHead()(support, np.ones((2, 8, 1)), query)
    assert logits.shape == (2, 7, 1)
    assert np.isfinite(logits).all()


def test_an_embedding_of_zeros_is_orthogonal_to_all():
    support, labels, query, _ = signed_episodes()
    head = MatchingHead()
    state = head.prepare(head.remember(support, labels))
    scores = head.similarities(state, np.zeros_like(query))
    np.testing.assert_array_equal(scores, np.zeros_like(scores))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, hidden, cell, weights):
    """One step of an LSTM, with the gates in the order of Keras."""
    kernel, recurrent, bias = weights
    i, f, c, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(cell), cell


def lstm(xs, weights):
    hidden = cell = np.zeros(xs.shape[-1])
    outputs = []
    for x in xs:
        hidden, cell = lstm_step(x, hidden, cell, weights)
        outputs.append(hidden)
    return np.array(outputs).reshape(xs.shape)


def numbers(layer):
    return [w.astype("float64") for w in layer.get_weights()]


class TestFullContext:
    """The equations of the paper, one example, query and step at a time."""

    @pytest.fixture
    def head(self):
        keras.utils.set_random_seed(0)
        head = MatchingHead(full_context=True, units=6)
        head.build((None, None, 6))
        return head

    def examples(self, head, support, labels):
        """g(x, S): what was read forwards, and backwards, and the embedding."""
        classes, projection = labels.argmax(-1), support @ np.cos(np.arange(6))
        order = np.lexsort([projection, classes])
        forwards = lstm(support[order], numbers(head.reader.forward_layer))
        backwards = lstm(support[order][::-1], numbers(head.reader.backward_layer))
        return forwards + backwards[::-1] + support[order], labels[order]

    def query(self, head, examples, vector):
        """f(x, S): equations 3 to 6."""
        hidden, cell = vector, np.zeros(6)
        for _ in range(head.steps):
            seen = softmax(examples @ hidden) @ examples
            inputs = np.concatenate([vector, seen])
            output, cell = lstm_step(inputs, hidden, cell, numbers(head.looker))
            hidden = output + vector
        return hidden

    @each_shots
    @pytest.mark.parametrize("seed", range(3))
    def test_random_episodes_with_padding(self, head, seed, shots):
        def reference_in_context(support, labels, query):
            support, labels = self.examples(head, support, labels)
            query = np.stack([self.query(head, support, vector) for vector in query])
            return reference(support, labels, query)

        assert_logits(
            head,
            signed_episodes(seed, shots),
            reference_in_context,
            rtol=1e-4,
            atol=1e-4,
        )

    def test_by_hand(self):
        # All kernels but one are zero, input and output gates open and forget gates
        # shut, so that cells give the same at each step, in the first of two numbers:
        # tanh(tanh(c)) = 1/4 for examples, forwards and backwards, 1/2 for queries.
        head = MatchingHead(full_context=True, scale=5.0, steps=1, units=2)
        head.build((None, None, 2))
        zeros, kernel = np.zeros((2, 8)), np.zeros((4, 8))

        def biases(added, output_gate=99):
            candidate = np.arctanh(np.arctanh(added))
            return np.array([99, 99, -99, -99, candidate, 0, output_gate, 0])

        for layer in (head.reader.forward_layer, head.reader.backward_layer):
            layer.set_weights([zeros, zeros, biases(0.25)])
        # A query gets its 1/2 where the second number of what it sees is positive.
        kernel[3, 6] = 99
        head.looker.set_weights([kernel, zeros, biases(0.5, output_gate=0)])
        # In context the examples are at (30, 40) and (0, -10). The first query is
        # nearer to the first (25 to -10), sees it alone and moves to (0, 1): cosines
        # 4/5 and -1. The second, nearer to the second (-70 to 40), stays: cosines
        # (90 - 160) / (5 * 50) and 4/5.
        support = np.array([[[29.5, 40.0], [-0.5, -10.0]]])
        logits = head(support, np.eye(2)[None], np.array([[[-0.5, 1.0], [3.0, -4.0]]]))
        np.testing.assert_allclose(logits, [[[4, -5], [-1.4, 4]]], rtol=1e-5)

    def test_attention_is_in_the_order_of_the_support_set(self, head):
        support, labels, query, _ = signed_episodes()
        order = np.random.default_rng(1).permutation(support.shape[1])
        attention, moved = (
            head.attention(head.prepare(head.remember(s, y)), query)
            for s, y in [(support, labels), (support[:, order], labels[:, order])]
        )
        np.testing.assert_allclose(moved, np.asarray(attention)[..., order], atol=1e-5)
        assert np.abs(attention * (1 - labels.max(-1))[:, None]).max() == 0

    def test_a_single_example_gets_all_attention(self, head):
        one = np.ones((1, 1, 6), "float32")
        state = head.prepare(head.remember(one, np.ones((1, 1, 1))))
        np.testing.assert_array_equal(head.attention(state, one), [[[1.0]]])

    def test_no_step_leaves_queries_as_they_are(self):
        head = MatchingHead(full_context=True, steps=0, units=6)
        support, labels, query, _ = signed_episodes()
        state = head.prepare(head.remember(support, labels))
        np.testing.assert_array_equal(head.look(state, query), query)

    def test_shapes_need_not_be_known(self, head):
        episode = signed_episodes()[:3]
        specs = [tf.TensorSpec((None, None, n)) for n in (6, None, 6)]
        traced = tf.function(lambda *given: head(*given), input_signature=specs)
        np.testing.assert_allclose(traced(*episode), head(*episode), atol=1e-5)
        small = signed_episodes(1, (1, 2), queries=4)[:3]
        assert traced(*small).shape == (2, 4, 2)

    def test_the_gradient_reaches_all_weights(self, head):
        episode = signed_episodes()[:3]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(keras.ops.softmax(head(*episode))[..., 0])
        weights = head.trainable_weights
        assert len(weights) == 10  # 3 each of three cells, and the scale
        for gradient in tape.gradient(loss, weights):
            assert np.abs(gradient).max() > 0


def test_incremental():
    assert MatchingHead().incremental == "exact"
    assert MatchingHead(full_context=True, units=6).incremental == "refit"


class TestBadInput:
    def test_full_context_of_unknown_length(self):
        with pytest.raises(ValueError, match=r"`units=backbone.output_shape\[-1\]`"):
            MatchingHead(full_context=True)

    def test_full_context_of_another_length(self):
        head = MatchingHead(full_context=True, units=7)
        with pytest.raises(ValueError, match=r"embeddings, 6\. Received: units=7"):
            head(*signed_episodes()[:3])
