"""Texts in any form, with and without labels."""

import pathlib

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import tensorflow as tf

from fsl_keras.inputs import Elements, Examples, batch_size, check_all_read
from fsl_keras.inputs.texts import read_lines, shortened, texts_of

TEXTS = [
    "where is my card",
    "top up",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE} \U0001f600",
]
LABELS = ["card", "money", "food"]

FORMS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda texts: np.array(texts, object),
    "string array": np.array,
    "column": lambda texts: np.array(texts)[:, None],
    "bytes array": lambda texts: np.array([text.encode() for text in texts]),
    "bytes": lambda texts: [text.encode() for text in texts],
    "numpy strings": lambda texts: list(np.array(texts)),
    "tensor": tf.constant,
    "scalar tensors": lambda texts: [tf.constant(text) for text in texts],
    "series": lambda texts: pd.Series(texts, index=[7, 5, 6]),
    "string series": lambda texts: pd.Series(texts, dtype="string"),
    "generator": lambda texts: (text for text in texts),
    "iterator": iter,
    "dict values": lambda texts: dict(enumerate(texts)).values(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_the_same_strings(form):
    found = texts_of(form(TEXTS))
    assert found.dtype == object
    assert found.tolist() == TEXTS
    assert {type(text) for text in found} == {str}


@pytest.mark.parametrize(
    "one", ["top up", b"top up", np.str_("top up"), np.array("top up"), "data.csv"]
)
def test_a_single_text(one):
    expected = "data.csv" if one == "data.csv" else "top up"
    assert texts_of(one).tolist() == [expected]
    assert texts_of(tf.constant(one)).tolist() == [expected]


def test_unicode_is_composed():
    decomposed = "cafe\N{COMBINING ACUTE ACCENT} \U0001f600"
    assert texts_of([decomposed]).tolist() == [TEXTS[2]]


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f44d\U0001f3fd",
        "?!",
        "a" * 100_000,
        "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED} and Latin",
        "bell \a and null \0 here",
        "two\r\nlines",
    ],
)
def test_unusual_texts_stay_as_they_are(text):
    assert texts_of([text]).tolist() == [text]


def test_one_error_names_all_rows_that_are_no_texts():
    given = ["a", None, float("nan"), 3, "", " \t\n", b"\xff", "\ud800", pd.NA, "b"]
    with pytest.raises(ValueError, match=r"^8 of 10 texts") as error:
        texts_of(given)
    for row in range(1, 9):
        assert f"row {row} " in str(error.value)
    assert "row 0" not in str(error.value)
    with pytest.raises(ValueError, match=r"row 9 is missing; and 20 more"):
        texts_of([None] * 30)
    with pytest.raises(ValueError, match="row 1 is missing"):
        texts_of(np.array(["a", np.nan]))  # which NumPy converts to "nan"


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((2, 8, 8, 3)),
        np.arange(3),
        PIL.Image.new("RGB", (4, 4)),
        pathlib.Path("photo.jpg"),
        {"a", "b"},
        3.5,
        None,
        np.array([["a", "b"]]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_no_form_of_texts(given):
    with pytest.raises(ValueError, match=r"This learner takes texts.*Received"):
        texts_of(given)


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("keys", [None, ("text", "label"), ("utterance", "intent")])
def test_datasets(keys, batched):
    parts = (
        (TEXTS, LABELS)
        if keys is None
        else dict(zip(keys, (TEXTS, LABELS), strict=True))
    )
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    dataset = dataset.batch(2) if batched else dataset
    elements = Elements.labeled(dataset, item_kind="text")
    assert elements.images.tolist() == TEXTS
    assert [label.decode() for label in elements.labels] == LABELS
    assert Elements.unlabeled(dataset, "text").images.tolist() == TEXTS
    with pytest.raises(ValueError, match="holds labels of its own"):
        Elements.labeled(dataset, LABELS, "text")
    with pytest.raises(ValueError, match="There are no sentences"):
        Elements.labeled(dataset.take(0), item_kind="text")


def test_a_dataset_without_labels():
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS)
    assert Elements.labeled(dataset, LABELS, "text").labels == LABELS
    with pytest.raises(ValueError, match="without labels"):
        Elements.labeled(dataset, item_kind="text")


class TestTables:
    @pytest.fixture
    def frame(self):
        return pd.DataFrame({"id": [1, 2, 3], "utterance": TEXTS, "intent": LABELS})

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
    def test_files(self, frame, tmp_path, suffix):
        path = tmp_path / f"table.{suffix}"
        if suffix == "jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
        for given in (path, str(path)):
            elements = Elements.labeled(given, item_kind="text")
            assert elements.images.tolist() == TEXTS
            assert elements.labels == LABELS
        assert Elements.unlabeled(path, "text").images.tolist() == TEXTS
        # A string is a text wherever that is possible.
        assert Elements.unlabeled(str(path), "text").images.tolist() == [str(path)]

    def test_a_data_frame(self, frame):
        elements = Elements.labeled(frame[::-1], item_kind="text")
        assert elements.images.tolist() == TEXTS[::-1]
        assert list(elements.labels) == LABELS[::-1]

    def test_rows_without_a_text_are_skipped_with_a_warning(self, frame):
        frame.loc[1, "utterance"] = None
        with pytest.warns(UserWarning, match="Skipped 1 of 3 rows: row 1"):
            elements = Elements.labeled(frame, item_kind="text")
        assert elements.images.tolist() == [TEXTS[0], TEXTS[2]]
        assert list(elements.labels) == [LABELS[0], LABELS[2]]

    def test_labels_are_missing(self, frame, tmp_path):
        frame[["utterance"]].to_csv(tmp_path / "a.csv", index=False)
        for given in (tmp_path / "a.csv", frame[["utterance"]], TEXTS, "one text"):
            with pytest.raises(ValueError, match="`labels` are missing"):
                Elements.labeled(given, item_kind="text")


class TestLines:
    def test_a_byte_order_mark_and_ends_of_lines(self, tmp_path):
        path = tmp_path / "texts.txt"
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n \n".join(TEXTS).encode() + b"\r\n")
        assert read_lines(path) == (TEXTS, [])
        assert Elements.unlabeled(path, "text").images.tolist() == TEXTS

    def test_lines_that_are_not_in_utf_8_are_skipped(self, tmp_path):
        path = tmp_path / "texts.txt"
        path.write_bytes(b"one\n\xe9t\xe9\n\nthree\n")
        texts, skipped = read_lines(path)
        assert texts == ["one", "three"]
        assert skipped == [("line 2", "is not in UTF-8")]
        with pytest.warns(UserWarning, match=r"1 of 3 lines: texts\.txt, line 2"):
            assert texts_of(path).tolist() == ["one", "three"]

    def test_errors(self, tmp_path):
        path = tmp_path / "texts.txt"
        path.write_bytes(b" \n\xff\n")
        with pytest.raises(
            ValueError, match=r"holds no text\. 1 lines are not in UTF-8"
        ):
            read_lines(path)
        with pytest.raises(FileNotFoundError, match="no file"):
            read_lines(tmp_path / "other.txt")


class TestExamples:
    def test_batches_are_large(self):
        texts = [f"text {i}" for i in range(1030)]
        labels = [str(i % 2) for i in range(1030)]
        examples = Examples(texts, labels, None, item_kind="text")
        batches = list(examples.batches(batch_size(())))
        assert [len(items) for items, *_ in batches] == [1024, 6]
        assert np.concatenate([items for items, *_ in batches]).tolist() == texts
        assert batches[1][1].tolist() == [0, 1, 0, 1, 0, 1]
        assert batches[1][2].tolist() == list(range(1024, 1030))

    def test_sources_and_names_are_the_texts(self):
        examples = Examples(["a  b", "c" * 2000], "x", None, item_kind="text")
        list(examples.batches(8))
        assert examples.source(0) == "a  b"
        assert len(examples.source(1)) == 1000
        assert examples.names[0] == "'a b'"
        assert len(examples.names[1]) == 62

    def test_as_many_labels_as_texts(self):
        with pytest.raises(ValueError, match="one label for each item"):
            Examples(TEXTS, LABELS[:2], None, item_kind="text")
        with pytest.raises(ValueError, match=r"missing.*rows \[1\]"):
            Examples(TEXTS, ["a", None, "b"], None, item_kind="text")


def test_texts_are_shortened_to_one_line():
    assert shortened("a\n b\tc", 5) == "a b c"
    assert shortened("abcdef", 5) == "abcd\N{HORIZONTAL ELLIPSIS}"
    assert len(shortened(" " * 1000 + "a", 5)) <= 5


def test_texts_among_files_are_guessed():
    skipped = [("what is my balance", "No such file"), ("topup", "No such file")]
    with pytest.raises(ValueError, match=r"takes images.*If these are texts"):
        check_all_read(skipped)
    with pytest.raises(ValueError, match="Remove or replace them"):
        check_all_read([*skipped, ("my photo.jpg", "No such file")])
