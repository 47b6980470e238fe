"""The page and the table."""

import csv
import html
import json
import re
import sys

import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras.reports import page
from tests.reports.drawn import drawn
from tests.shapes import THREE, write

HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="hacked=1">'


def data_of(text):
    """The data of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(found[1])


def hostile_table(folder, label=HOSTILE):
    """A table of images of two classes, one of which has a hostile name."""
    images, labels = drawn(["bar", "disk"])
    paths = write(folder, images, labels)
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label"])
        for image, name in zip(paths, labels, strict=True):
            rows.writerow([image, label if name == "bar" else name])
    return path


def test_the_page_shows_every_section(learner, examples, test_folder, tmp_path):
    path = tmp_path / "report.html"
    report = fsl.reports.write(learner, path, examples, test_folder, title="Shapes")
    text = path.read_text(encoding="utf-8")
    assert "<title>Shapes</title>" in text
    sections = re.findall(r'<section id="(\w+)">', text)
    assert re.findall(r'<li><a href="#(\w+)">', text) == sections
    for line in report.scores(of_test=True).table()[1:]:
        assert html.escape(line[1]) in text
    data = data_of(text)
    assert len(data["thumbnails"]) == len(set(data["thumbnails"])) == 24
    for thumbnail in data["thumbnails"]:
        assert text.count(thumbnail) == 1


def test_the_table_has_a_row_for_each_picture(learner, examples, test_folder, tmp_path):
    report = fsl.reports.write(learner, tmp_path / "r.html", examples, test_folder)
    with (tmp_path / "r_scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == report.pictures.files
    assert [row["predicted"] for row in rows] == report.predicted
    for row, probabilities in zip(rows, report.answers.probabilities, strict=True):
        found = [float(row[f"probability {name}"]) for name in report.class_names]
        np.testing.assert_allclose(found, probabilities, rtol=1e-3)
        assert (row["width"], row["height"]) == ("24", "20")


def test_names_are_text_and_never_html(learner, tmp_path):
    path = tmp_path / "report.html"
    report = fsl.reports.write(learner, path, hostile_table(tmp_path), title=HOSTILE)
    text = path.read_text(encoding="utf-8")
    assert HOSTILE in report.class_names
    assert "<img src=x" not in text
    assert "<script>window" not in text
    assert HOSTILE in data_of(text)["names"]


def test_a_page_of_one_class(learner, tmp_path):
    write(tmp_path / "photos", *drawn(["disk"]))
    fsl.reports.write(learner, tmp_path / "r.html", tmp_path / "photos")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "There is one class" in text


def test_a_page_without_pictures(learner, tmp_path):
    classifier = learner.adapt(*drawn(THREE))
    fsl.reports.write(classifier, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "12 of 12 are not shown" in text
    assert data_of(text)["thumbnails"] == [None] * 12


def test_a_page_of_one_example_of_each_class(learner, tmp_path):
    write(tmp_path / "photos", *drawn(THREE, count=1))
    fsl.reports.write(learner, tmp_path / "r.html", tmp_path / "photos")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The accuracy cannot be estimated" in text


def test_long_lists_are_cut_and_the_table_has_the_rest(learner, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST", 2)
    folder = tmp_path / "photos" / "dark"
    write(tmp_path / "photos", *drawn(["disk", "bar"]))
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(folder / f"{number}.png")
    fsl.reports.write(learner, tmp_path / "r.html", tmp_path / "photos")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "3 more are in <code>r_scores.csv</code>" in text


def test_nothing_is_read_if_the_page_cannot_be_written(learner, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.html"):
        fsl.reports.write(learner, tmp_path / "report.txt", tmp_path / "missing")
    (tmp_path / "r_scores.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"r_scores\.csv is a folder"):
        fsl.reports.write(learner, tmp_path / "r.html", tmp_path / "missing")


def test_a_table_of_examples_is_never_replaced(learner, tmp_path):
    table = hostile_table(tmp_path).rename(tmp_path / "birds_scores.csv")
    before = table.read_bytes()
    with pytest.raises(FileExistsError, match="would be replaced by the table"):
        fsl.reports.write(learner, tmp_path / "birds.html", table)
    assert table.read_bytes() == before


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    with pytest.raises(ImportError, match=r'pip install "fsl-keras\[report\]"'):
        page.check_packages()
