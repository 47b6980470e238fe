"""Texts within limits: lines, files of lines, tables, and what is none of them."""

from fsl_keras.app.text_uploads import read_texts
from fsl_keras.app.uploads import Limits


def read(lines=(), *paths, **limits):
    uploads, skipped = read_texts(lines, paths, Limits(**limits))
    return [(u.contents, u.folder) for u in uploads], dict(skipped)


def test_each_line_is_a_text():
    found, skipped = read(["where is my card\n", "", "  \t ", " top up "])
    assert found == [("where is my card", ""), ("top up", "")]
    assert skipped == {}


def test_what_is_no_text_is_named_with_its_line():
    found, skipped = read(["a", "\ud800", "\u200b", 7, None])
    assert found == [("a", "")]
    assert skipped == {
        "line 2": "is not in UTF-8",
        "line 3": "is blank",
        "line 4": "is of type int, not a string",
        "line 5": "is missing",
    }


def test_a_hundred_thousand_lines_are_counted():
    found, skipped = read(f"text {i}" for i in range(100_000))
    assert len(found) == 1000
    assert skipped == {"99000 more texts": "at most 1000 are learned at a time"}


def test_a_text_of_a_megabyte_is_left_out():
    found, skipped = read(["a", "x" * 2**20])
    assert found == [("a", "")]
    assert skipped == {"x" * 40: "longer than 10,000 characters"}


def test_a_file_of_lines(tmp_path):
    path = tmp_path / "card.txt"
    path.write_bytes("\ufeffwhere\r\n\r\nmy \xe4\n".encode() + b"\xff\n")
    found, skipped = read(["typed"], path)
    assert [text for text, _ in found] == ["typed", "where", "my \xe4"]
    assert skipped == {"card.txt, line 4": "is not in UTF-8"}


def test_a_table_with_labels_and_one_without(tmp_path):
    with_labels, without = tmp_path / "a.csv", tmp_path / "b.jsonl"
    with_labels.write_text("label,text\ncard,where is it\npin,\n,no label\n")
    without.write_text('{"text": "top up"}\n')
    found, skipped = read((), with_labels, without)
    assert found == [("where is it", "card"), ("top up", "")]
    assert skipped == {
        "a.csv, line 3": "'text' is blank",
        "a.csv, line 4": "'label' is blank",
    }


def test_files_that_hold_no_texts_are_named_without_their_folder(tmp_path):
    files = {
        "empty.txt": b"\n \n",
        "nameless.csv": b"where is my card\ntop up\n",
        "picture.png": b"\x89PNG",
        "binary.csv": b"PK\0\0",
        "large.txt": b"a\n" * 2**20,
    }
    for name, contents in files.items():
        (tmp_path / name).write_bytes(contents)
    paths = [tmp_path / name for name in (*files, "gone.txt")]
    found, skipped = read((), *paths, text_bytes=2**20)
    assert found == []
    assert skipped["gone.txt"] == "not a file"
    assert skipped["large.txt"] == "larger than 1 MB"
    assert skipped["picture.png"] == "none of .txt, .csv, .tsv, .jsonl, .ndjson"
    assert skipped["empty.txt"] == "holds no text. Save one text per line"
    assert skipped["nameless.csv"].startswith("No text found under the names")
    assert skipped.keys() == {path.name for path in paths}
    assert not any(str(tmp_path) in reason for reason in skipped.values())
