import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import TIMHead
from fsl_keras.heads.tim import entropy_slope
from tests.heads.checks import padded_episodes, softmax, unit, unpadded


def entropy(p, alpha):
    if alpha is None:
        return -tf.reduce_sum(p * tf.math.log(p), -1)
    return (1 - tf.reduce_sum(p**alpha, -1)) / (alpha - 1)


def reference(support, labels, query, alpha, steps, learning_rate, temperature):
    """The loss of one task without padding, down its automatic gradient."""
    support, query = unit(support), unit(query)
    means = [support[own == 1].mean(axis=0) for own in labels.T]
    prototypes = keras.Variable(np.stack(means), dtype="float64")
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=1e-8)
    weights = (0.1, 1.0, 0.1) if alpha is None else (1.0, 1.0, 1.0)

    def logits(items):
        differences = items[:, None] - prototypes.value[None]
        return -temperature / 2 * tf.reduce_sum(differences**2, -1)

    for _ in range(steps):
        with tf.GradientTape() as tape:
            log_p = tf.nn.log_softmax(logits(support))
            cross = -tf.reduce_mean(tf.reduce_sum(labels * log_p, -1))
            p = tf.nn.softmax(logits(query))
            marginal = entropy(tf.reduce_mean(p, axis=0), alpha)
            conditional = tf.reduce_mean(entropy(p, alpha))
            terms = tf.stack([cross, -marginal, conditional])
            loss = tf.reduce_sum(tf.constant(weights, "float64") * terms)
        optimizer.apply([tape.gradient(loss, prototypes.value)], [prototypes])
    return softmax(logits(query).numpy())


@pytest.mark.parametrize("alpha", [None, 2.0, 7.0])
def test_random_episodes_of_unequal_shots_with_padding(alpha):
    episode = padded_episodes()
    options = (alpha, 6, 0.02, 15.0)
    logits = np.asarray(TIMHead(*options)(*episode[:3], query_mask=episode[3]))
    for task in range(2):
        expected = reference(*unpadded(*episode, task), *options)
        real = softmax(logits[task][episode[3][task]])
        np.testing.assert_allclose(real, expected, atol=2e-4)


@pytest.mark.parametrize("alpha", [None, 3.0])
def test_the_slope_of_the_entropy_is_its_derivative(alpha):
    p = tf.constant([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    with tf.GradientTape() as tape:
        tape.watch(p)
        total = tf.reduce_sum(entropy(p, alpha))
    # Shannon's, -log p - 1, is given without its constant.
    constant = 1.0 if alpha is None else 0.0
    slope = entropy_slope(p, alpha)
    np.testing.assert_allclose(slope, tape.gradient(total, p) + constant, rtol=1e-5)


def test_without_steps_it_is_the_nearest_mean():
    # At unit length: examples (1, 0) and (0, 1), a query (.8, .6); half of the squared
    # prototypes is the same for both.
    support, query = np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.array([[[4.0, 3.0]]])
    head = TIMHead(steps=0, temperature=10.0)
    logits = head(support, np.eye(2)[None], query)
    np.testing.assert_allclose(logits, [[[8.0 - 5.0, 6.0 - 5.0]]], rtol=1e-6)


def test_shannon_insists_on_even_classes_more_than_alpha_does():
    # Thirty tasks of two classes that overlap, with 38 and 2 queries.
    rng = np.random.default_rng(0)
    centres, truth = np.eye(2, 8), np.repeat([0, 1], (38, 2))
    support = centres + 0.25 * rng.normal(size=(30, 2, 8))
    query = centres[truth] + 0.25 * rng.normal(size=(30, 40, 8))
    labels = np.tile(np.eye(2), (30, 1, 1))
    answers = {
        alpha: np.argmax(TIMHead(alpha)(support, labels, query), axis=-1)
        for alpha in (None, 2.0)
    }
    rare = {alpha: (answer == 1).sum(-1).mean() for alpha, answer in answers.items()}
    right = {alpha: (answer == truth).mean() for alpha, answer in answers.items()}
    assert rare[None] > rare[2.0] + 1
    assert right[2.0] > right[None] + 0.02


@pytest.mark.parametrize("alpha", [1.0, 0.5, -2])
def test_an_order_that_is_not_above_one_is_refused(alpha):
    with pytest.raises(ValueError, match=rf"above 1.*None.*alpha={alpha}"):
        TIMHead(alpha=alpha)
