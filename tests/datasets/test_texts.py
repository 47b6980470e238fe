import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from fsl_keras.datasets.texts import are_texts, clean_texts

TEXTS = ["Where is my card?", "Größe 鷺"]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        np.array(TEXTS)[:, None],
        np.array([text.encode() for text in TEXTS]),
        [np.str_(TEXTS[0]), np.bytes_(TEXTS[1].encode())],
        tf.constant(TEXTS),
        [tf.constant(TEXTS[0]), TEXTS[1].encode()],
        pd.Series(TEXTS, index=[5, 3]),
        pd.Series(TEXTS, dtype="string"),
        ["Where is my card?", "Gro\u0308ße 鷺"],
    ],
)
def test_texts_in_any_form_are_composed_strings(texts):
    assert are_texts(texts)
    found = clean_texts(texts)
    assert found == TEXTS
    assert {type(text) for text in found} == {str}


def test_numbers_and_images_are_no_texts():
    for items in (
        [1, 2],
        [[1.0], [2.0]],
        np.zeros((2, 3)),
        tf.zeros((2, 3)),
        pd.Series([1.0]),
    ):
        assert not are_texts(items)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "is missing"),
        (float("nan"), "is missing"),
        (pd.NA, "is missing"),
        ("", "is blank"),
        (" \t\n", "is blank"),
        ("\u200b\ufeff", "is blank"),
        (5, "is of type int, not a string"),
        (["a"], "is of type list, not a string"),
        (b"\xff", "is not in UTF-8"),
        ("half \ud83d", "is not in UTF-8"),
    ],
)
def test_rows_that_are_no_texts_are_named(text, reason):
    with pytest.raises(ValueError, match=f"^1 of 3 texts .*: row 1 {reason}. Correct"):
        clean_texts(["first", text, "last"])


def test_ten_rows_are_named_at_most():
    with pytest.raises(ValueError, match=r"25 of 26 queries .* row 10 .* and 15 more"):
        clean_texts(["first", *[None] * 25], "queries")
