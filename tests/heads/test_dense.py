import keras
import numpy as np
import pytest

from fsl_keras.heads import DenseHead
from tests.heads.checks import assert_logits, each_shots, signed_episodes, softmax

MEAN, SQUARE = 0.9, 0.999


def reference(support, labels, query, head):
    """Adam on both layers with gradients by hand, in float64."""
    size = np.sqrt(np.mean(np.sum(support**2, axis=-1)))
    support, query = support / size, query / size
    first = keras.random.normal((support.shape[1], head.units), seed=head.seed)
    weights = [
        np.asarray(first, "float64"),
        np.zeros(head.units),
        np.zeros((head.units, labels.shape[1])),
        np.zeros(labels.shape[1]),
    ]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in range(2))

    def forward(items):
        hidden = np.maximum(items @ weights[0] + weights[1], 0)
        return hidden, hidden @ weights[2] + weights[3]

    for number in range(1, head.steps + 1):
        hidden, logits = forward(support)
        errors = (softmax(logits) - labels) / len(support)
        by_hidden = (errors @ weights[2].T) * (hidden > 0)
        gradients = [
            support.T @ by_hidden,
            by_hidden.sum(0),
            hidden.T @ errors,
            errors.sum(0),
        ]
        for i, gradient in enumerate(gradients):
            means[i] = MEAN * means[i] + (1 - MEAN) * gradient
            squares[i] = SQUARE * squares[i] + (1 - SQUARE) * gradient**2
            spread = np.sqrt(squares[i] / (1 - SQUARE**number)) + 1e-8
            rate = head.learning_rate / (1 - MEAN**number)
            weights[i] = weights[i] - rate * means[i] / spread
    return forward(query)[1]


def test_one_step_by_hand():
    # Adam's first step goes by the rate against the sign of a gradient. The second
    # layer begins at zero, so the hidden layer stays; the error of an example of
    # class 0 is (p - y) / 2 = -1/4 there, +1/4 elsewhere. Each unit is active for one
    # of the inputs 1 and -1 alone, and gets the weights +-rate; biases cancel.
    head = DenseHead(units=4, steps=1, learning_rate=0.1, seed=3)
    support = np.array([[[1.0], [-1.0]]], "float32")
    state = head.prepare(head.remember(support, np.eye(2)[None]))
    hidden = np.asarray(state["hidden"])[0]
    assert (hidden[1] == 0).all()
    sign = np.sign(hidden[0])
    assert set(sign) == {-1, 1}
    expected = 0.1 * np.stack([sign, -sign], axis=-1)
    np.testing.assert_allclose(state["output"][0, :4], expected, rtol=1e-4)
    np.testing.assert_allclose(state["output"][0, 4], [0, 0], atol=1e-6)
    reach = 0.1 * hidden[0][sign > 0].sum()
    logits = head.score(state, support)
    np.testing.assert_allclose(logits[0, 0], [reach, -reach], rtol=1e-4)


@each_shots
def test_random_episodes_with_padding(shots):
    head = DenseHead(units=16, steps=20, learning_rate=1e-3)
    assert_logits(
        head,
        signed_episodes(0, shots),
        lambda *task: reference(*task, head),
        # Of a gradient of 0 rounding leaves a sign, and Adam moves a bias by its rate.
        compared=softmax,
        atol=1e-3,
    )


@pytest.mark.slow
def test_enough_steps_fit_what_no_line_divides():
    support = np.array([[[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]], "float32")
    labels = np.eye(2, dtype="float32")[None, [0, 0, 1, 1]]
    logits = DenseHead(steps=300)(support, labels, support)
    assert np.argmax(logits, axis=-1).tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("name", ["units", "steps"])
def test_numbers_below_one_are_rejected(name):
    with pytest.raises(ValueError, match=rf"at least 1.*{name}=0"):
        DenseHead(**{name: 0})
