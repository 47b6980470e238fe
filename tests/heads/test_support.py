import numpy as np
import pytest

from fsl_keras.heads.support import (
    balanced_weights,
    presence,
    probabilities,
    root_mean_square,
    weighted_means,
    with_ones,
)


def test_classes_with_an_example_are_present():
    labels = np.array([[[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]], "float32")
    np.testing.assert_array_equal(presence(labels), [[0, 1, 0], [0, 0, 1]])


def test_weights_make_the_classes_count_the_same():
    # 4 examples, 2 of the 3 classes present: 4 / (2 * 3) and 4 / (2 * 1).
    labels = np.eye(3)[[0, 0, 2, 0, 1]] * [[1], [1], [1], [1], [0]]
    found = balanced_weights(labels[None].astype("float32"))
    expected = [[[2 / 3], [2 / 3], [2], [2 / 3], [0]]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("shots", [1, 3, 5, 7, 49])
@pytest.mark.parametrize("ways", [1, 3, 5, 20])
def test_of_equal_shots_every_weight_is_exactly_one(ways, shots):
    labels = np.repeat(np.eye(ways, dtype="float32"), shots, axis=0)
    assert (np.asarray(balanced_weights(labels[None])) == 1.0).all()


def test_absent_classes_have_no_probability():
    logits = np.array([[[0.0, 9.0, 0.0]]], "float32")
    labels = np.eye(3, dtype="float32")[None, [0, 2]]
    np.testing.assert_allclose(probabilities(logits, labels), [[[0.5, 0.0, 0.5]]])


def test_a_single_class_has_the_probability_one():
    ones = np.ones((1, 1, 1), "float32")
    np.testing.assert_array_equal(probabilities(7 * ones, ones), ones)


def test_means_are_zero_where_all_weights_are():
    vectors = np.array([[[2.0, 0.0], [4.0, 8.0]]], "float32")
    weights = np.array([[[3.0, 0.0], [1.0, 0.0]]], "float32")
    np.testing.assert_allclose(weighted_means(vectors, weights), [[[2.5, 2], [0, 0]]])


def test_the_root_mean_square_leaves_out_padding():
    support = np.array([[[3.0, 4.0], [9.0, 9.0], [1.0, 0.0]]], "float32")
    labels = np.array([[[1.0], [0.0], [1.0]]], "float32")
    np.testing.assert_allclose(root_mean_square(support, labels), [[[13**0.5]]])


def test_the_input_of_ones_comes_last():
    np.testing.assert_array_equal(with_ones(np.zeros((1, 1, 2))), [[[0, 0, 1]]])
