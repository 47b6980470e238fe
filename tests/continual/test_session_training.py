"""The loss of a session, and the rows that it is trained on."""

import keras
import numpy as np
import pytest

from fsl_keras.continual.session_training import (
    SessionTraining,
    balanced_rows,
    train,
)
from fsl_keras.layers import CosineDense


def loss(earlier, distillation=1.0, temperature=2.0):
    model = SessionTraining(None, keras.layers.Identity(), distillation, temperature)
    logits = np.array([[2 * np.log(3), 0.0, 0.0]], "float32")
    labels = (np.array([2]), np.asarray(earlier, "float32"))
    return float(model.compute_loss(None, labels, logits))


# The probability of class 2 is 1 / (9 + 1 + 1).
CROSS_ENTROPY = np.log(11)


def test_the_cross_entropy_is_of_all_classes():
    assert loss(np.zeros((1, 0))) == pytest.approx(CROSS_ENTROPY)
    assert loss([[0.0, 0.0]], distillation=0.0) == pytest.approx(CROSS_ENTROPY)


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_distillation_is_the_divergence_of_earlier_classes(weight):
    # At temperature 2 their probabilities are 3/4 and 1/4, and were 1/2 each. The
    # divergence is multiplied by the square of the temperature.
    divergence = 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25)
    found = loss([[0.0, 0.0]], weight)
    assert found == pytest.approx(CROSS_ENTROPY + weight * 4 * divergence, rel=1e-5)


def test_distillation_of_the_same_logits_is_zero():
    assert loss([[2 * np.log(3), 0.0]]) == pytest.approx(CROSS_ENTROPY, rel=1e-5)


def test_classes_are_drawn_equally_often_and_their_examples_too():
    # Four of the first class, one of the second, none of the third.
    labels = np.array([0, 3, 0, 0, 0])
    counts = np.bincount(balanced_rows(labels, 8000, seed=0), minlength=5)
    # The standard deviation of the first is 31, of the second 45.
    np.testing.assert_allclose(counts, [1000, 4000, 1000, 1000, 1000], atol=180)


def test_training_tells_classes_apart():
    head = CosineDense(2, 10.0)
    head.build((None, 2))
    head.kernel.assign(np.ones((2, 2)))
    items = np.array([[1.0, 0.1], [0.1, 1.0]], "float32")
    labels, none = np.array([0, 1]), np.zeros((2, 0), "float32")
    train(SessionTraining(None, head, 1.0, 2.0), items, labels, none, 30, 4, 0.1, 0)
    assert np.asarray(head(items)).argmax(axis=1).tolist() == [0, 1]
