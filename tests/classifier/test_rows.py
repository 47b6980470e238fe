import threading

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.classifier.rows import SPARE_ROWS, Rows

KINDS = {"numpy": np.asarray, "tensorflow": tf.constant}


@pytest.fixture(params=list(KINDS))
def array(request):
    return KINDS[request.param]


def column(rows):
    return np.asarray(rows.value)[:, 0].tolist()


def test_rows_are_appended_behind_the_others(array):
    one = Rows(array([[1.0, 5.0]]))
    three = one.append(array([[2.0, 5.0], [3.0, 5.0]]))
    assert (len(one), len(three)) == (1, 3)
    assert column(one) == [1]
    assert column(three) == [1, 2, 3]


def test_two_continuations_of_the_same_rows_do_not_disturb_each_other(array):
    one = Rows(array([[1.0]]))
    two, other = one.append(array([[2.0]])), one.append(array([[3.0]]))
    assert column(two) == [1, 2]
    assert column(other) == [1, 3]
    assert column(two.append(array([[4.0]]))) == [1, 2, 4]


def test_more_rows_than_there_is_room_for(array):
    rows = Rows(array([[0.0]]))
    for number in range(1, 3 * SPARE_ROWS):
        rows = rows.append(array([[float(number)]]))
    assert column(rows) == list(range(3 * SPARE_ROWS))


def test_no_rows_at_first(array):
    rows = Rows(array(np.zeros((0, 2), "float32")))
    assert column(rows.append(array(np.ones((2, 2), "float32")))) == [1, 1]


def test_rows_are_a_copy_of_what_is_given():
    values = np.ones((2, 3))
    rows = Rows(values)
    values[:] = 0
    assert column(rows) == [1, 1]


def test_rows_that_were_read_stay_as_they_were(array):
    rows = Rows(array([[1.0], [2.0]]))
    read = rows.value
    rows.append(array([[3.0]]))
    assert np.asarray(read)[:, 0].tolist() == [1, 2]


def test_rows_are_read_while_others_are_appended():
    rows, found = [Rows(tf.zeros((1, 256)))], []

    def read():
        while len(rows) < 200:
            latest = rows[-1]
            found.append(column(latest) == list(range(len(latest))))

    thread = threading.Thread(target=read)
    thread.start()
    while len(rows) < 200:
        rows.append(rows[-1].append(tf.fill((1, 256), float(len(rows)))))
    thread.join()
    assert found
    assert all(found)
