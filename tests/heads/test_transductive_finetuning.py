import keras
import numpy as np
import tensorflow as tf

from fsl_keras.heads import TransductiveFinetuningHead
from tests.heads.checks import padded_episodes, unit, unpadded


def reference(support, labels, query, steps, learning_rate, temperature):
    """The loss of one task without padding, down its automatic gradient."""
    support, query = unit(support), unit(query)
    means = unit(np.stack([support[own == 1].mean(axis=0) for own in labels.T]))
    weights = keras.Variable(means, dtype="float64")
    bias = keras.Variable(np.zeros(len(means)), dtype="float64")
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=1e-8)

    def logits(items):
        return temperature * (items @ tf.transpose(weights.value) + bias.value)

    for _ in range(steps):
        with tf.GradientTape() as tape:
            log_p = tf.nn.log_softmax(logits(support))
            cross = -tf.reduce_mean(tf.reduce_sum(labels * log_p, -1))
            log_q = tf.nn.log_softmax(logits(query))
            entropy = -tf.reduce_mean(tf.reduce_sum(tf.exp(log_q) * log_q, -1))
            loss = cross + entropy
        gradients = tape.gradient(loss, [weights.value, bias.value])
        optimizer.apply(gradients, [weights, bias])
    return logits(query).numpy()


def test_random_episodes_of_unequal_shots_with_padding():
    episode = padded_episodes()
    options = (6, 0.02, 5.0)
    head = TransductiveFinetuningHead(*options)
    logits = np.asarray(head(*episode[:3], query_mask=episode[3]))
    for task in range(2):
        expected = reference(*unpadded(*episode, task), *options)
        real = logits[task][episode[3][task]]
        np.testing.assert_allclose(real, expected, atol=1e-3)


def test_without_steps_it_is_the_cosine_to_the_mean():
    support, query = np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.array([[[4.0, 3.0]]])
    head = TransductiveFinetuningHead(steps=0, temperature=10.0)
    logits = head(support, np.eye(2)[None], query)
    np.testing.assert_allclose(logits, [[[8.0, 6.0]]], rtol=1e-6)


def test_steps_make_the_queries_surer():
    support, labels, query, mask = padded_episodes()

    def surest(steps):
        head = TransductiveFinetuningHead(steps, learning_rate=0.01, temperature=5.0)
        logits = head(support, labels, query, query_mask=mask)
        return np.asarray(keras.ops.softmax(logits)).max(-1).mean()

    assert surest(20) > surest(0) + 0.05
