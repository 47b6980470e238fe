import pathlib

import pandas as pd
import pytest

from fsl_keras.datasets.tables import is_data_frame, read_data_frame, read_table

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
    assert read_table(path) == ([tmp_path / name for name in NAMES], LABELS)


def test_paths_are_relative_to_the_table(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/heron")
    path = tmp_path / "labels.csv"
    path.write_text("path\nbirds/a.png\n/photos/b.png\n~/c.png\n", "utf-8")
    images, labels = read_table(path)
    assert labels is None
    assert images == [
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
    images, labels = read_data_frame(frame)
    assert (list(images), list(labels)) == (NAMES, LABELS)
    assert read_data_frame(frame[["filepath"]])[1] is None
    with pytest.raises(ValueError, match=r"DataFrame: No image .* \['Category'\]"):
        read_data_frame(frame[["Category"]])


def test_the_first_name_that_is_known_counts():
    frame = pd.DataFrame({"file": ["no"], "class": ["no"], "image": [1], "label": [2]})
    images, labels = read_data_frame(frame)
    assert (images.name, labels.name) == ("image", "label")
