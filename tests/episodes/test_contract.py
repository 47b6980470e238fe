import numpy as np
import pytest

from fsl_keras.episodes import make_episode


def test_integer_labels_keep_their_numbers():
    support = np.arange(12, dtype="float32").reshape(3, 4)
    query = np.arange(8, dtype="float32").reshape(2, 4)
    x, y = make_episode(support, [2, 0, 1], query, [1, 2])
    assert x["support"].shape == (1, 3, 4)
    np.testing.assert_array_equal(x["support"][0], support)
    np.testing.assert_array_equal(x["query"][0], query)
    assert x["support_labels"].dtype == "float32"
    assert x["support_labels"].tolist() == [[[0, 0, 1], [1, 0, 0], [0, 1, 0]]]
    assert y.dtype == "int32"
    assert y.tolist() == [[1, 2]]


def test_names_are_numbered_by_the_alphabet():
    x, y = make_episode(
        np.zeros((3, 2)),
        ["ibis", "цапля", "egret"],
        np.zeros((2, 2)),
        ["цапля", "ibis"],
    )
    assert x["support_labels"][0].argmax(-1).tolist() == [1, 2, 0]
    assert y.tolist() == [[2, 1]]


def test_the_query_set_is_the_support_set_by_default():
    x = make_episode(np.ones((2, 5, 5, 1)), [0, 1])
    assert set(x) == {"support", "support_labels", "query"}
    np.testing.assert_array_equal(x["query"], x["support"])


def test_classes_in_excess_have_no_example():
    x = make_episode(np.zeros((2, 3)), [0, 1], ways=4)
    assert x["support_labels"].shape == (1, 2, 4)
    assert x["support_labels"][..., 2:].sum() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [0, 1]}, r"shape \(2,\) for 3 examples"),
        ({"labels": [[1, 0], [0, 1], [1, 0]]}, r"shape \(3, 2\) for 3"),
        ({"labels": [0, 1, 2], "ways": 2}, "ways=2.*3 different labels"),
        (
            {"labels": [0, 1, 2], "query": np.zeros((2, 4)), "query_labels": [0]},
            r"shape \(1,\) for 2 queries",
        ),
        (
            {"labels": [0, 1, 5], "query": np.zeros((2, 4)), "query_labels": [3, 5]},
            r"holds \[3\].*classes are \[0, 1, 5\]",
        ),
    ],
)
def test_errors_say_what_was_given(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_episode(np.zeros((3, 4)), **arguments)
