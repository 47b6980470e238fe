import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.classifier.quantized_rows import QuantizedRows

# The largest error of a number, in units of the largest number of its row.
ERRORS = {"float16": 2**-12, "int8": 0.5 / 127}

VALUES = np.random.default_rng(0).normal(size=(6, 40)).astype("float32")
VALUES *= np.array([1, 1e-6, 1e8, 1, 1, 1], "float32")[:, None]


@pytest.fixture(params=list(ERRORS))
def mode(request):
    return request.param


def test_the_error_is_at_most_half_a_step_of_the_largest_number(mode):
    rows = QuantizedRows.of(tf.constant(VALUES), mode)
    largest = np.abs(VALUES).max(axis=1, keepdims=True)
    errors = np.abs(rows.value - VALUES) / largest
    assert 0 < errors.max() <= 1.01 * ERRORS[mode]
    assert rows.mode == mode
    assert len(rows) == 6


def test_a_row_of_zeros(mode):
    rows = QuantizedRows.of(tf.zeros((2, 3)), mode)
    np.testing.assert_array_equal(rows.value, np.zeros((2, 3)))


def test_int8_rounds_to_the_nearest():
    rows = QuantizedRows.of(tf.constant([[127.0, 1.4, -1.6, -127.0]]), "int8")
    assert rows.codes.value.numpy().tolist() == [[127, 1, -2, -127]]


def test_rows_come_and_go_as_if_they_had_been_quantized_together(mode):
    whole = np.asarray(QuantizedRows.of(tf.constant(VALUES), mode).value)
    rows = QuantizedRows.of(tf.constant(VALUES[:4]), mode)
    more = rows.append(tf.constant(VALUES[4:]))
    np.testing.assert_array_equal(more.value, whole)
    assert len(rows) == 4
    np.testing.assert_array_equal(more.take([5, 0]).value, whole[[5, 0]])
    places = np.array([[1, 2], [3, 3]])
    np.testing.assert_array_equal(more.gather(places), whole[places])
    other = more.replaced(np.array([1]), tf.constant(VALUES[5:]))
    np.testing.assert_array_equal(other.value, whole[[0, 5, 2, 3, 4, 5]])
    np.testing.assert_array_equal(more.value, whole)


def test_rows_of_maps(mode):
    values = VALUES.reshape(6, 2, 4, 5)
    rows = QuantizedRows.of(tf.constant(values), mode)
    flat = QuantizedRows.of(tf.constant(VALUES), mode)
    np.testing.assert_array_equal(np.reshape(rows.value, (6, 40)), flat.value)
