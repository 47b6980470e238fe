import unicodedata

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from fsl_keras.datasets.labels import class_name_of, label_index, label_names


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
        [1, 0, 1],
        (np.int32(1), np.int32(0), np.int32(1)),
        [tf.constant(1), tf.constant(0), tf.constant(1)],
        np.asarray([1, 0, 1], object),
        np.asarray([[1], [0], [1]], "uint8"),  # as of keras.datasets.cifar10
        tf.constant([1, 0, 1]),
        pd.Series([1, 0, 1], index=[7, 5, 3]),
        pd.Series([1, 0, 1], dtype="Int64"),
        np.asarray([[0, 1], [1, 0], [0, 1]], "float32"),  # one-hot
        [[False, True], [True, False], [False, True]],
        tf.one_hot([1, 0, 1], 2),
        [True, False, True],
        np.asarray([True, False, True]),
    ],
)
def test_the_forms_of_integers(labels):
    index, names = label_index(labels, class_names=["egret", "heron"], length=3)
    assert index.dtype == "int64"
    assert index.tolist() == [1, 0, 1]
    assert names == ["egret", "heron"]


@pytest.mark.parametrize(
    "labels",
    [
        ["цапля", "egret", "цапля"],
        np.asarray(["цапля", "egret", "цапля"]),
        np.asarray(["цапля", "egret", "цапля"], object),
        ["цапля".encode(), b"egret", "цапля".encode()],
        np.asarray(["цапля".encode(), b"egret", "цапля".encode()]),
        tf.constant(["цапля", "egret", "цапля"]),
        [tf.constant("цапля"), tf.constant("egret"), tf.constant("цапля")],
        (np.str_("цапля"), "egret", "цапля"),
        pd.Series(["цапля", "egret", "цапля"], index=[2, 0, 1]),
        pd.Series(["цапля", "egret", "цапля"], dtype="category"),
        pd.Series(["цапля", "egret", "цапля"], dtype="string"),
        pd.Categorical(["цапля", "egret", "цапля"]),
        pd.Index(["цапля", "egret", "цапля"]),
        (name for name in ("цапля", "egret", "цапля")),
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


def test_booleans_name_themselves():
    index, names = label_index([True, False])
    assert index.tolist() == [1, 0]
    assert names == ["False", "True"]


def test_one_name_in_two_unicode_forms_is_one_class():
    composed, decomposed = (unicodedata.normalize(f, "Ägretta") for f in ("NFC", "NFD"))
    assert composed != decomposed
    index, names = label_index([composed, decomposed])
    assert index.tolist() == [0, 0]
    assert names == [composed]
    assert label_index([composed], [decomposed])[1] == [composed]
    assert label_names([composed], [decomposed]) == [decomposed]


@pytest.mark.parametrize(
    "missing",
    [float("nan"), np.nan, np.float32("nan"), None, pd.NA, pd.NaT, "", " \t", b" "],
)
@pytest.mark.parametrize("form", [list, pd.Series, "object"])
def test_missing_labels_are_named_by_row(missing, form):
    labels = ["heron", missing, "egret", missing]
    if form == "object":
        array = np.empty(4, object)
        array[:] = labels
        labels = array
    else:
        labels = form(labels)
    with pytest.raises(ValueError, match=r"2 of 4 labels are missing.*rows \[1, 3\]"):
        label_index(labels)
    with pytest.raises(ValueError, match=r"rows \[1, 3\]"):
        label_names(labels, ["heron", "egret"])


@pytest.mark.parametrize(
    "labels",
    [
        [0, None, 1],
        [0, float("nan"), 1],
        np.asarray([0, np.nan, 1]),
        np.asarray(["heron", np.nan, "egret"]),  # NumPy makes it the name "nan"
        pd.Series([0, None, 1]),
        pd.Series([0, None, 1], dtype="Int64"),
        pd.Series(["heron", None, "egret"], dtype="category"),
        pd.Series(["heron", None, "egret"], dtype="string"),
    ],
)
def test_missing_labels_of_other_kinds(labels):
    with pytest.raises(ValueError, match=r"1 of 3 labels are missing.*rows \[1\]"):
        label_index(labels)


def test_nan_and_none_are_names_where_they_are_strings():
    assert label_index(["nan", "None"])[1] == ["None", "nan"]


@pytest.mark.parametrize("labels", [["heron", 1], [1, "heron"], ["heron", 1.5]])
def test_numbers_among_names_are_refused(labels):
    with pytest.raises(ValueError, match=r"all integers or all names.*in row \d"):
        label_index(labels)


@pytest.mark.parametrize(
    ("labels", "class_names", "message"),
    [
        ([0.0, 1.0], None, r"Received floats.*\[0.0, 1.0\].*astype\(int\)"),
        ([0, -3], None, "must not be negative. Received -3 at position 1"),
        ([0, 1, 1], None, r"Received: labels of shape \(3,\) for 2 items"),
        ([[0, 2], [1, 0]], None, r"one-hot rows.*shape \(2, 2\)"),
        ([[0.5, 0.5], [1, 0]], None, r"one-hot rows.*shape \(2, 2\)"),
        ([[1.0], [0.0]], None, "Received floats"),
        ([0, 3], None, r"without gaps: \[1, 2\] have no item"),
        ([0, 2], ["a", "b"], "Label 2 has no name: `class_names` has 2"),
        (["a", "c"], ["a", "b"], r"Labels \['c'\] are not in `class_names`.*'b'"),
        ([0, 1], ["a", "a"], "repeats a name"),
        ([0, 1], ["a", " "], "not blank. Received: ' '"),
        (["heron", "heron "], None, "'heron' and 'heron ' differ only by blanks"),
        ("heron", None, "one label for each item. Received: 'heron'"),
        (3, None, "one label for each item. Received: 3"),
        (np.asarray(["2026-01-01"] * 2, "datetime64[D]"), None, "datetime64"),
    ],
)
def test_errors_say_what_was_given(labels, class_names, message):
    with pytest.raises(ValueError, match=message):
        label_index(labels, class_names, length=2)


def test_names_of_labels():
    names = ["egret", "heron"]
    assert label_names([1, 0], names) == ["heron", "egret"]
    assert label_names(np.asarray([b"heron", b"ibis"]), names) == ["heron", "ibis"]
    with pytest.raises(ValueError, match="Label 2 has no name"):
        label_names([2], names)
    with pytest.raises(ValueError, match="floats"):
        label_names([1.0], names)


def test_names_of_classes():
    assert [class_name_of(name) for name in (3, np.int64(3), b"3")] == ["3"] * 3
    for bad in (None, float("nan"), 1.5, "", " ", pd.NA):
        with pytest.raises(ValueError, match="name of a class"):
            class_name_of(bad)
