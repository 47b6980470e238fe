import keras
import numpy as np

from fsl_keras.heads import TransductiveFinetuningHead
from tests.heads.checks import (
    adam,
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    softmax,
    unit,
)


def reference(support, labels, query, steps, learning_rate, scale):
    """The chain rule for one task without padding, one item at a time."""
    support, query = (np.c_[unit(x), np.ones(len(x))] for x in (support, query))

    def gradient_fn(weights):
        total = np.zeros_like(weights)
        probabilities = softmax(scale * support @ weights.T)
        for item, own, p in zip(support, labels, probabilities, strict=True):
            total += scale * np.outer(p - own, item) / len(support)
        probabilities = softmax(scale * query @ weights.T)
        for item, p in zip(query, probabilities, strict=True):
            entropy = -p @ np.log(p)
            of_logits = -p * (np.log(p) + entropy)
            total += scale * np.outer(of_logits, item) / len(query)
        return total

    means = unit(class_means(support[:, :-1], labels))
    start = np.c_[means, np.zeros(len(means))]
    weights = adam(gradient_fn, start, steps, learning_rate)
    return scale * query @ weights.T


@each_shots
def test_random_episodes_with_padding(shots):
    options = (6, 0.02, 5.0)
    assert_logits(
        TransductiveFinetuningHead(*options),
        padded_episodes(shots=shots),
        lambda *task: reference(*task, *options),
        atol=1e-3,
    )


class TestByHand:
    """At unit length: examples (1, 0) and (0, 1), a query (.8, .6)."""

    support, labels = np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.eye(2)[None]
    query = np.array([[[4.0, 3.0]]])

    def logits(self, **kwargs):
        head = TransductiveFinetuningHead(scale=10.0, **kwargs)
        return head(self.support, self.labels, self.query)

    def test_without_steps_it_is_the_cosine_to_the_mean(self):
        np.testing.assert_allclose(self.logits(steps=0), [[[8.0, 6.0]]], rtol=1e-6)

    def test_one_step(self):
        # The first step of Adam is the rate in every weight. To make the query
        # surer of the first class, its weights (1, 0) and bias 0 grow to (1.1, .1)
        # and .1, those of the second fall from (0, 1) and 0 to (-.1, .9) and -.1.
        # Ten times .88 + .06 + .1 and -.08 + .54 - .1.
        logits = self.logits(steps=1, learning_rate=0.1)
        np.testing.assert_allclose(logits, [[[10.4, 3.6]]], rtol=1e-4)


def test_steps_make_the_queries_surer():
    support, labels, query, mask = padded_episodes()

    def surest(steps):
        head = TransductiveFinetuningHead(steps, learning_rate=0.01, scale=5.0)
        logits = head(support, labels, query, query_mask=mask)
        return np.asarray(keras.ops.softmax(logits)).max(-1).mean()

    assert surest(20) > surest(0) + 0.05
