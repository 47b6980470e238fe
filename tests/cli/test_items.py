import numpy as np
import pytest
from PIL import Image

from fsl_keras.cli import items


@pytest.mark.parametrize(
    ("header", "kinds"),
    [
        ("text,label", ["text"]),
        ("Label;Utterance", ["text"]),
        ("File Name,label", ["image"]),
        ("path\ttitle\tlabel", ["image", "text"]),
    ],
)
def test_the_columns_of_a_table_decide_what_it_holds(tmp_path, header, kinds):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n", encoding="utf-8")
    assert items.kinds_of(path) == kinds
    assert items.kind_of(path) == kinds[0]
    assert items.kind_of(path, encoder="hashed") == "text"
    assert items.kind_of(path, text_column="title") == "text"
    assert items.kind_of(path, backbone="vgg16") == "image"


def test_keys_of_json_lines_are_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"sentence": "my card", "intent": "card"}\n', encoding="utf-8")
    assert items.kind_of(path) == "text"
    texts, labels = items.labeled(path, "text")
    assert (list(texts), list(labels)) == (["my card"], ["card"])


def test_a_folder_holds_images(tmp_path):
    assert items.kind_of(tmp_path) == "image"


def test_a_table_of_images_is_a_data_set(tmp_path):
    for shade in (10, 200):
        pixels = np.full((6, 8, 3), shade, "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{shade}.png")
    path = tmp_path / "a.csv"
    path.write_text("file,bird\n10.png,egret\n200.png,heron\n", encoding="utf-8")
    data = items.dataset(path, "image", (4, 4), label_column="bird")
    assert data.class_names == ["egret", "heron"]
    assert data.class_files("heron") == [str(tmp_path / "200.png")]
    assert data.item_shape == (4, 4, 3)


def test_sentences_of_options_come_before_those_of_files(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("text,label\nthree,x\n,x\n", encoding="utf-8")
    paths = [tmp_path / "a.txt", tmp_path / "b.csv"]
    assert items.read_texts(paths, ["zero"]) == (
        ["zero", "one", "two", "three"],
        [("b.csv, line 3", "'text' is blank")],
    )
    with pytest.raises(ValueError, match="leave out the other classes"):
        items.read_texts(paths, labels_are_ignored=False)
