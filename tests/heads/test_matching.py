import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import MatchingHead


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def softmax(scores):
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def reference(support, labels, query, temperature=10.0):
    """The formula, one query and one class at a time, in double precision."""
    logits = np.full((*query.shape[:2], labels.shape[2]), -1e9)
    for task, way in np.ndindex(labels.shape[0], labels.shape[2]):
        own = unit(support[task][labels[task, :, way] == 1])
        if not len(own):
            continue
        for place, vector in enumerate(unit(query[task])):
            scores = temperature * own @ vector
            largest = scores.max()
            sum_of_all = np.exp(scores - largest).sum()
            logits[task, place, way] = largest + np.log(sum_of_all)
    return logits


def random_episode(seed, dimensions=8, ways=4, length=9, tasks=2):
    """Unequal shots, among them classes without any; two places are padding."""
    rng = np.random.default_rng(seed)
    labels = np.eye(ways)[rng.integers(0, ways, (tasks, length))]
    labels[:, rng.permutation(length)[:2]] = 0
    support = rng.normal(size=(tasks, length, dimensions))
    query = rng.normal(size=(tasks, 6, dimensions))
    return [x.astype("float32") for x in (support, labels, query)]


class TestByHand:
    # Two examples of class 0 along the first axis, one of class 1 along the second.
    support = np.array([[[2.0, 0.0], [0.5, 0.0], [0.0, 3.0]]], "float32")
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    query = np.array([[[3.0, 4.0]]], "float32")  # cosines 3/5, 3/5 and 4/5

    def test_a_class_is_the_sum_over_its_examples(self):
        logits = MatchingHead(temperature=5.0)(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[3 + np.log(2), 4]]], rtol=1e-6)

    def test_the_softmax_is_the_attention_to_the_examples_of_each_class(self):
        head = MatchingHead(temperature=5.0)
        state = head.prepare(head.remember(self.support, self.labels))
        shares = np.exp([3, 3, 4]) / np.exp([3, 3, 4]).sum()
        np.testing.assert_allclose(
            head.attention(state, self.query), [[shares]], rtol=1e-5
        )
        probabilities = keras.ops.softmax(head.score(state, self.query))
        expected = [[[shares[0] + shares[1], shares[2]]]]
        np.testing.assert_allclose(probabilities, expected, rtol=1e-5)

    def test_padding_gets_no_attention(self):
        head = MatchingHead()
        labels = self.labels * np.array([[[1], [0], [1]]])
        state = head.prepare(head.remember(self.support, labels))
        shares = np.asarray(head.attention(state, self.query))
        assert shares[0, 0, 1] == 0
        assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_random_episodes_of_unequal_shots_with_padding(seed, temperature):
    episode = random_episode(seed)
    expected = reference(*(x.astype("float64") for x in episode), temperature)
    logits = MatchingHead(temperature=temperature)(*episode)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_attention_too_small_for_float32_still_has_a_logarithm():
    # Cosines from -1 to 1 times 300: the sum for class 1 is exp(-600) of that for 0.
    support = np.array([[[1.0, 0.0], [-1.0, 0.0], [-0.8, 0.6], [1.0, 0.0]]], "float32")
    labels = np.array([[[1, 0], [0, 1], [0, 1], [0, 0]]], "float32")
    query = tf.constant([[[1.0, 0.0]]])
    head = MatchingHead(temperature=300.0)
    with tf.GradientTape() as tape:
        tape.watch(query)
        logits = head(support, labels, query)
        loss = -logits[0, 0, 1]
    np.testing.assert_allclose(logits, [[[300, -240]]], rtol=1e-6)
    # The nearer example of class 1 pulls the query to the side.
    np.testing.assert_allclose(tape.gradient(loss, query), [[[0, -180]]], atol=1e-2)


@pytest.mark.parametrize("temperature", [10.0, 100.0])
def test_the_gradient_is_that_of_the_formula(temperature):
    support, labels, query = random_episode(0)
    head = MatchingHead(temperature=temperature)
    support, query = tf.constant(support), tf.constant(query)
    mask = tf.constant(labels)[:, None] > 0
    answers = tf.argmax(tf.reduce_max(labels, 1), -1)[:, None] * tf.ones(
        (1, 6), "int64"
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
    support, _, query = random_episode(0)
    logits = MatchingHead()(support, np.ones((2, 9, 1)), query)
    assert logits.shape == (2, 6, 1)
    assert np.isfinite(logits).all()


def test_an_embedding_of_zeros_is_orthogonal_to_all():
    support, labels, query = random_episode(0)
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
        head = MatchingHead(full_context=True, units=8)
        head.build((None, None, 8))
        return head

    def examples(self, head, support, labels):
        """g(x, S): what was read forwards, and backwards, and the embedding."""
        classes = labels.argmax(-1)
        projection = support @ np.cos(np.arange(8))
        real = np.flatnonzero(labels.max(-1))
        order = sorted(real, key=lambda i: (classes[i], projection[i]))
        forwards = lstm(support[order], numbers(head.reader.forward_layer))
        backwards = lstm(support[order][::-1], numbers(head.reader.backward_layer))
        return order, forwards + backwards[::-1] + support[order]

    def query(self, head, examples, vector):
        """f(x, S): equations 3 to 6."""
        hidden, cell = vector, np.zeros(8)
        for _ in range(head.steps):
            seen = softmax(examples @ hidden) @ examples
            inputs = np.concatenate([vector, seen])
            output, cell = lstm_step(inputs, hidden, cell, numbers(head.looker))
            hidden = output + vector
        return hidden

    @pytest.mark.parametrize("seed", range(3))
    def test_examples_and_queries_are_embedded_by_the_equations(self, head, seed):
        episode = random_episode(seed)
        state = head.prepare(head.remember(*episode[:2]))
        looked = head.look(state, episode[2])
        for task in range(2):
            support, labels, query = (x[task].astype("float64") for x in episode)
            order, examples = self.examples(head, support, labels)
            given = np.asarray(state["support"])[task][order]
            np.testing.assert_allclose(given, examples, rtol=1e-4, atol=1e-5)
            wanted = [self.query(head, examples, vector) for vector in query]
            np.testing.assert_allclose(looked[task], wanted, rtol=1e-4, atol=1e-5)

    def test_logits_are_those_of_the_new_embeddings(self, head):
        support, labels, query = random_episode(0)
        state = head.prepare(head.remember(support, labels))
        np.testing.assert_array_equal(state["labels"], labels)
        looked = np.asarray(head.look(state, query))
        expected = MatchingHead()(state["support"], labels, looked)
        np.testing.assert_allclose(head(support, labels, query), expected, rtol=1e-4)

    def test_attention_is_in_the_order_of_the_support_set(self, head):
        support, labels, query = random_episode(0)
        order = np.random.default_rng(1).permutation(9)
        shares, moved = (
            head.attention(head.prepare(head.remember(s, y)), query)
            for s, y in [(support, labels), (support[:, order], labels[:, order])]
        )
        np.testing.assert_allclose(moved, np.asarray(shares)[..., order], atol=1e-5)
        assert np.abs(shares * (1 - labels.max(-1))[:, None]).max() == 0

    def test_no_step_leaves_queries_as_they_are(self):
        head = MatchingHead(full_context=True, steps=0, units=8)
        support, labels, query = random_episode(0)
        state = head.prepare(head.remember(support, labels))
        np.testing.assert_array_equal(head.look(state, query), query)

    def test_shapes_need_not_be_known(self, head):
        episode = random_episode(0)
        specs = [tf.TensorSpec((None, None, n)) for n in (8, None, 8)]
        traced = tf.function(lambda *given: head(*given), input_signature=specs)
        np.testing.assert_allclose(traced(*episode), head(*episode), atol=1e-5)
        assert traced(*random_episode(1, ways=2, length=3)).shape == (2, 6, 2)

    def test_the_gradient_reaches_all_weights(self, head):
        episode = random_episode(0)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(keras.ops.softmax(head(*episode))[..., 0])
        weights = head.trainable_weights
        assert len(weights) == 10  # 3 each of three cells, and the temperature
        for gradient in tape.gradient(loss, weights):
            assert np.abs(gradient).max() > 0


def test_incremental():
    assert MatchingHead().incremental == "exact"
    assert MatchingHead(full_context=True, units=8).incremental == "refit"


class TestBadInput:
    def test_full_context_of_unknown_length(self):
        with pytest.raises(ValueError, match=r"`units=backbone.output_shape\[-1\]`"):
            MatchingHead(full_context=True)

    def test_full_context_of_another_length(self):
        head = MatchingHead(full_context=True, units=7)
        with pytest.raises(ValueError, match=r"embeddings, 8\. Received: units=7"):
            head(*random_episode(0))
