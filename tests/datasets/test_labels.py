import numpy as np
import pytest

from fsl_keras.datasets.labels import label_index


def test_integers_name_themselves():
    index, names = label_index(np.asarray([2, 0, 1, 0], "uint8"))
    assert index.dtype == "int64"
    assert index.tolist() == [2, 0, 1, 0]
    assert names == ["0", "1", "2"]


def test_integers_index_class_names():
    index, names = label_index([1, 0], class_names=("heron", "egret", "ibis"))
    assert index.tolist() == [1, 0]
    assert names == ["heron", "egret", "ibis"]


@pytest.mark.parametrize(
    "labels",
    [
        ["цапля", "egret", "цапля"],
        np.asarray(["цапля", "egret", "цапля"], object),
        ["цапля".encode(), b"egret", "цапля".encode()],
    ],
)
def test_names_are_sorted(labels):
    index, names = label_index(labels)
    assert index.tolist() == [1, 0, 1]
    assert names == ["egret", "цапля"]


def test_names_take_the_order_of_class_names():
    index, names = label_index(["a", "b"], class_names=["b", "a"])
    assert index.tolist() == [1, 0]
    assert names == ["b", "a"]


@pytest.mark.parametrize(
    ("labels", "class_names", "message"),
    [
        ([0.0, 1.0], None, r"Received floats.*\[0.0, 1.0\].*astype\(int\)"),
        ([0, -3], None, "must not be negative. Received -3 at position 1"),
        ([0, 1, 1], None, r"got labels of shape \(3,\) for 2 images"),
        ([[0, 1], [1, 0]], None, r"shape \(2, 2\)"),
        ([0, 3], None, r"without gaps: \[1, 2\] have no image"),
        ([0, 2], ["a", "b"], "Label 2 has no name: `class_names` has 2"),
        (["a", "c"], ["a", "b"], r"Labels \['c'\] are not in `class_names`"),
        ([0, 1], ["a", "a"], "repeats a name"),
    ],
)
def test_errors_say_what_was_given(labels, class_names, message):
    with pytest.raises(ValueError, match=message):
        label_index(labels, class_names, length=2)
