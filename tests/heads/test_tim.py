import numpy as np
import pytest

from fsl_keras.heads import TIMHead
from fsl_keras.heads.tim import entropy_gradient
from tests.heads.checks import (
    adam,
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    softmax,
    squared_distances,
    unit,
)


def entropy(p, alpha):
    """Shannon's entropy, or Tsallis's of the order `alpha`."""
    if alpha is None:
        return -np.sum(p * np.log(p), axis=-1)
    return (1 - np.sum(p**alpha, axis=-1)) / (alpha - 1)


def derivative(p, alpha):
    """The derivative of the entropy by each probability."""
    return -np.log(p) - 1 if alpha is None else -alpha * p ** (alpha - 1) / (alpha - 1)


def reference(support, labels, query, alpha, steps, learning_rate, scale):
    """The chain rule for one task without padding, one item at a time."""
    support, query = unit(support), unit(query)
    of_cross, of_marginal, of_conditional = (
        (0.1, 1, 0.1) if alpha is None else (1, 1, 1)
    )

    def logits(items, prototypes):
        return -scale / 2 * squared_distances(items, prototypes)

    def gradient_fn(prototypes):
        total = np.zeros_like(prototypes)

        def add(item, of_logits):
            # A logit's derivative by its prototype points to the item.
            total[:] += scale * of_logits[:, None] * (item - prototypes)

        probabilities = softmax(logits(support, prototypes))
        for item, own, p in zip(support, labels, probabilities, strict=True):
            add(item, of_cross * (p - own) / len(support))
        probabilities = softmax(logits(query, prototypes))
        for item, p in zip(query, probabilities, strict=True):
            by_p = of_conditional * derivative(p, alpha)
            by_p -= of_marginal * derivative(probabilities.mean(axis=0), alpha)
            through_softmax = np.diag(p) - np.outer(p, p)
            add(item, through_softmax @ by_p / len(query))
        return total

    start = class_means(support, labels)
    return logits(query, adam(gradient_fn, start, steps, learning_rate))


@each_shots
@pytest.mark.parametrize("alpha", [None, 2.0, 7.0])
def test_random_episodes_with_padding(alpha, shots):
    options = (alpha, 6, 0.02, 15.0)
    assert_logits(
        TIMHead(*options),
        padded_episodes(shots=shots),
        lambda *task: reference(*task, *options),
        # Logits leave out what is the same for all classes.
        compared=softmax,
        atol=2e-4,
    )


@pytest.mark.parametrize("alpha", [None, 3.0])
def test_the_gradient_of_the_entropy_is_its_derivative(alpha):
    p = np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    expected = np.stack(
        [
            (entropy(p + change, alpha) - entropy(p - change, alpha)) / 2e-5
            for change in 1e-5 * np.eye(3)
        ],
        axis=-1,
    )
    # Shannon's, -log p - 1, is given without its constant.
    constant = 1.0 if alpha is None else 0.0
    gradient = entropy_gradient(p.astype("float32"), alpha)
    np.testing.assert_allclose(gradient, expected + constant, rtol=1e-4)


class TestByHand:
    """At unit length: examples (1, 0) and (0, 1), a query (.8, .6)."""

    support, labels = np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.eye(2)[None]
    query = np.array([[[4.0, 3.0]]])

    def test_without_steps_it_is_the_nearest_mean(self):
        # Half of the squared prototypes is the same for both.
        head = TIMHead(steps=0, scale=10.0)
        logits = head(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[[8.0 - 5.0, 6.0 - 5.0]]], rtol=1e-6)

    # The first step of Adam is the rate, 0.1, up or down in every coordinate.
    @pytest.mark.parametrize(
        ("alpha", "expected"),
        [
            # The one query is to be shared out evenly: the first prototype moves away
            # from it and the second to it, to (1.1, -.1) and (.1, .9). Twice
            # .88 - .06 - 1.22 / 2 and .08 + .54 - .82 / 2.
            (None, [0.42, 0.42]),
            # With one query both entropies are the same and cancel. Examples push the
            # prototypes apart, to (1.1, -.1) and (-.1, 1.1). Twice
            # .88 - .06 - 1.22 / 2 and -.08 + .66 - 1.22 / 2.
            (2.0, [0.42, -0.06]),
        ],
    )
    def test_one_step(self, alpha, expected):
        head = TIMHead(alpha, steps=1, learning_rate=0.1, scale=2.0)
        logits = head(self.support, self.labels, self.query)
        np.testing.assert_allclose(logits, [[expected]], rtol=1e-4)


def test_shannon_insists_on_even_classes_more_than_alpha_does():
    # Thirty tasks of two classes that overlap, with 38 and 2 queries.
    rng = np.random.default_rng(0)
    centers, truth = np.eye(2, 8), np.repeat([0, 1], (38, 2))
    support = centers + 0.25 * rng.normal(size=(30, 2, 8))
    query = centers[truth] + 0.25 * rng.normal(size=(30, 40, 8))
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
def test_an_order_that_is_not_above_one_is_rejected(alpha):
    with pytest.raises(ValueError, match=rf"above 1.*None.*alpha={alpha}"):
        TIMHead(alpha=alpha)
