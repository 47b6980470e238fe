import csv
import pathlib

import pandas as pd
import pytest

from fsl_keras.datasets.tables import (
    Table,
    is_data_frame,
    read_data_frame,
    read_table,
)

# The rows that all the files below hold.
NAMES = ["a.png", "b 1.png"]
LABELS = ["heron", "egret, little"]


@pytest.mark.parametrize(
    "text",
    [
        'image,label\na.png,heron\nb 1.png,"egret, little"\n',
        'image, label\r\na.png , heron\r\nb 1.png, "egret, little" \r\n',
        "label;Image\nheron;a.png\negret, little;b 1.png\n\n",
        "image\tlabel\na.png\theron\nb 1.png\tegret, little",
        "\ufefffile,other,class\n"
        'a.png,1,heron\n\nb 1.png,2,"egret, little"\n',  # as Excel writes it
        'File-Name,Class Name\na.png,heron\nb 1.png,"egret, little"\n',
    ],
)
def test_a_table_is_read_in_any_dialect(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode())
    assert read_table(path) == Table([tmp_path / name for name in NAMES], LABELS)


def test_paths_are_relative_to_the_table(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/heron")
    path = tmp_path / "labels.csv"
    path.write_text("path\nbirds/a.png\n/photos/b.png\n~/c.png\n", "utf-8")
    table = read_table(path)
    assert table.labels is None
    assert table.items == [
        tmp_path / "birds/a.png",
        pathlib.Path("/photos/b.png"),
        pathlib.Path("/home/heron/c.png"),
    ]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"photo,label\na.png,heron\n", r"No image.*\['photo', 'label'\].*image_path"),
        (b"a.png,heron\n", r"No image found under the names \['a.png', 'heron'\]"),
        (b"", r"No image found under the names \[\]"),
        (b"image,label\na.png,heron\n,egret\n", "Line 3 has no 'image'"),
        (b"image,label\n\xff.png,heron\n", "not in UTF-8"),
    ],
)
def test_errors_name_the_file(tmp_path, contents, message):
    path = tmp_path / "labels.csv"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=rf"labels\.csv.*{message}"):
        read_table(path)


def test_a_missing_table(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*labels\.csv"):
        read_table(tmp_path / "labels.csv")


def test_data_frames():
    frame = pd.DataFrame({"Category": LABELS, "filepath": NAMES}, index=[4, 2])
    assert is_data_frame(frame)
    assert not is_data_frame(frame["filepath"])
    table = read_data_frame(frame)
    assert (list(table.items), list(table.labels)) == (NAMES, LABELS)
    assert read_data_frame(frame, labelled=False).labels is None
    assert read_data_frame(frame[["filepath"]]).labels is None
    with pytest.raises(ValueError, match=r"DataFrame: No image .* \['Category'\]"):
        read_data_frame(frame[["Category"]])


def test_the_first_name_that_is_known_counts():
    frame = pd.DataFrame({"file": ["no"], "class": ["no"], "image": [1], "label": [2]})
    table = read_data_frame(frame)
    assert (table.items.name, table.labels.name) == ("image", "label")


# The rows that all the text files below hold, and the ones that are left out.
TEXTS = ["Where is my card?", "Überweisung, bitte"]
INTENTS = ["card_arrival", "2"]


def text_table(tmp_path, contents, name="sentences.csv", **arguments):
    path = tmp_path / name
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return read_table(path, "text", **arguments)


class TestTexts:
    @pytest.mark.parametrize(
        ("name", "contents"),
        [
            # As BANKING77 is published.
            (
                "train.csv",
                "text,category\nWhere is my card?,card_arrival\n"
                '"Überweisung, bitte",2\n',
            ),
            (
                "excel.csv",
                "\ufeffIntent;Sentence;;\r\ncard_arrival;Where is my card?;;\r\n"
                "2;Überweisung, bitte;;\r\n;;;\r\n\r\n",
            ),
            (
                "a.tsv",
                "id\tquery\tlabel_text\tlabel\n0\tWhere is my card?\tcard_arrival\t7\n"
                "1\tU\u0308berweisung, bitte\t2\t8\n",
            ),
            (
                "a.jsonl",
                '{"text": "Where is my card?", "label": "card_arrival"}\n\n'
                '{"label": 2, "text": "\\u00dcberweisung, bitte "}\n',
            ),
            (
                "a.ndjson",
                '\ufeff{"id": 1, "intent": "card_arrival", "text": "Where is my card?"}'
                '\r\n{"text": "Überweisung, bitte", "intent": "2"}',
            ),
        ],
    )
    def test_forms_of_files(self, tmp_path, name, contents):
        assert text_table(tmp_path, contents, name) == Table(TEXTS, INTENTS)

    def test_a_data_frame(self):
        frame = pd.DataFrame(
            {"text": [*TEXTS, None, "no label"], "label": ["card_arrival", 2, 3, None]},
            index=["a", "b", "c", "d"],
        )
        assert read_data_frame(frame, "text") == Table(
            TEXTS,
            INTENTS,
            [("row c", "'text' is missing"), ("row d", "'label' is missing")],
        )

    def test_integers_with_a_missing_one_are_floats_in_pandas(self):
        frame = pd.DataFrame({"text": ["a", "b", "c"], "label": [1, None, 20]})
        table = read_data_frame(frame, "text")
        assert (table.items, table.labels) == (["a", "c"], ["1", "20"])
        assert table.skipped == [("row 1", "'label' is missing")]
        frame = frame.convert_dtypes()  # pandas's own integers and strings, and NA
        assert read_data_frame(frame, "text") == table
        frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Categorical(["x", None])})
        assert read_data_frame(frame, "text").labels == ["x"]

    def test_rows_that_cannot_be_read_are_named(self, tmp_path):
        contents = (
            b"text,label,note\n"
            b"first,1\n"
            b"\n"
            b" ,1\n"
            b"no label,\n"
            b"no cell\n"
            b"too, many, cells, here\n"
            b'"two\nlines",2,\n'
            b"\xe9t\xe9,1\n"
            b"label,\xe9t\xe9\n"
            b'"quote" outside,1\n'
            b"\xe2\x80\x8b,1\n"  # a blank of no width
            b"last,1,note,,\n"
            b'"open,1\nmore,2\n'
        )
        assert text_table(tmp_path, contents) == Table(
            ["first", "two\nlines", "last"],
            ["1", "2", "1"],
            [
                ("sentences.csv, line 4", "'text' is blank"),
                ("sentences.csv, line 5", "'label' is blank"),
                ("sentences.csv, line 6", "'label' is missing"),
                (
                    "sentences.csv, line 7",
                    "4 cells for 3 columns (put quotes around a cell that contains "
                    "',')",
                ),
                ("sentences.csv, line 10", "'text' is not in UTF-8"),
                ("sentences.csv, line 11", "'label' is not in UTF-8"),
                ("sentences.csv, line 12", "quotes that do not match"),
                ("sentences.csv, line 13", "'text' is blank"),
                ("sentences.csv, line 15", "quotes that do not match (up to line 16)"),
            ],
        )

    def test_lines_of_json_that_cannot_be_read_are_named(self, tmp_path):
        contents = (
            b'{"text": "first", "label": "a"}\n'
            b'["text", "a"]\n'
            b'{"text": "cut\n'
            b'{"label": "a"}\n'
            b'{"text": 5, "label": "a"}\n'
            b'{"text": ["list"], "label": "a"}\n'
            b'{"text": null, "label": "a"}\n'
            b'{"text": "half a character \\ud83d", "label": "a"}\n'
            b'{"text": "\xe9t\xe9", "label": "a"}\n'
            b'{"text": "label", "label": 1.5}\n'
            b'{"text": "label", "label": NaN}\n'
        )
        table = text_table(tmp_path, contents, "a.jsonl")
        assert (table.items, table.labels) == (["first"], ["a"])
        assert table.skipped == [
            ("a.jsonl, line 2", "no JSON object"),
            ("a.jsonl, line 3", "no JSON object"),
            ("a.jsonl, line 4", "'text' is missing"),
            ("a.jsonl, line 5", "'text' is of type int, not a string"),
            ("a.jsonl, line 6", "'text' is of type list, not a string"),
            ("a.jsonl, line 7", "'text' is missing"),
            ("a.jsonl, line 8", "'text' is not in UTF-8"),
            ("a.jsonl, line 9", "'text' is not in UTF-8"),
            ("a.jsonl, line 10", "'label' is of type float, not a string"),
            ("a.jsonl, line 11", "'label' is missing"),
        ]

    def test_columns_may_be_named(self, tmp_path):
        contents = "text,subject,topic,label\nlong,short,news,1\n"
        arguments = {"column": "subject", "label_column": "topic"}
        assert text_table(tmp_path, contents, **arguments) == Table(["short"], ["news"])
        frame = pd.DataFrame([["short", "news"]])
        table = read_data_frame(frame, "text", column=0, label_column=1)
        assert table == Table(["short"], ["news"])

    def test_labels_that_are_not_needed_are_left_out(self, tmp_path):
        contents = "text,label\nfirst,\nsecond,1\n"
        table = text_table(tmp_path, contents, labelled=False)
        assert table == Table(["first", "second"], None)
        assert text_table(tmp_path, "text\nfirst\n") == Table(["first"], None)

    def test_a_single_column_needs_no_quotes(self, tmp_path):
        contents = 'sentence\nHello, who is it?\n"Quoted, too"\n'
        table = text_table(tmp_path, contents)
        assert table.items == ["Hello, who is it?", "Quoted, too"]

    def test_a_cell_may_be_very_long(self, tmp_path):
        limit = csv.field_size_limit()
        text = "word " * 40_000 + "end"
        assert text_table(tmp_path, f"text\n{text}\n").items == [text]
        assert csv.field_size_limit() == limit

    @pytest.mark.parametrize(
        ("contents", "arguments", "message"),
        [
            ("a,b\nc,d\n", {}, r"No text .* \['a', 'b'\].*sentence.*`text,label`\?"),
            ("Where is it?,card\n", {}, r"\['Where is it\?', 'card'\].*a header"),
            ("", {}, r"No text found under the names \[\]"),
            ("file,label\na,b\n", {}, r"No text found.* images with `image_size`"),
            ("text,text\na,b\n", {}, "'text' of the text occurs 2 times"),
            ("text,label,Label\na,b,c\n", {}, "'label' of the label occurs 2 times"),
            ("text,a,a\nb,c,d\n", {"label_column": "a"}, "'a' of the label occurs 2"),
            (
                "text,topic\na,b\n",
                {"label_column": "topics"},
                r"'topics'\. Did you mean 'topic'\? The columns are: \['text', 'topic'",
            ),
            ("body,x\na,b\n", {"column": "text"}, r"no column 'text'.*\['body', 'x'\]"),
            ("text,label\na,b\n", {"column": "label"}, "both texts and labels"),
            ("text,label\n", {}, "No row has a 'text' and a 'label'"),
            ("text,label\na,\n", {}, r"No row .*\(.*line 2: 'label' is blank\)"),
            ("text,label\na,b\n".encode("utf-16"), {}, "not in UTF-8"),
            (b"PK\x03\x04\x14\x00\n", {}, "not in UTF-8"),
        ],
    )
    def test_errors_name_the_file(self, tmp_path, contents, arguments, message):
        with pytest.raises(ValueError, match=rf"sentences\.csv.*{message}"):
            text_table(tmp_path, contents, **arguments)

    def test_errors_of_data_frames(self):
        frame = pd.DataFrame([["a", "b"]], columns=["text", "text"])
        with pytest.raises(ValueError, match=r"DataFrame: The name 'text' .* 2 times"):
            read_data_frame(frame, "text")
        with pytest.raises(ValueError, match="DataFrame: No row has a 'text'"):
            read_data_frame(pd.DataFrame({"text": [None]}), "text")
