"""`fsl-keras report`."""

import json

import pytest

from tests.reports.drawn import drawn
from tests.shapes import NAMES, THREE, make_learner, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner, a classifier, and folders of shapes."""
    folder = tmp_path_factory.mktemp("shapes")
    write(folder / "examples", *drawn(THREE))
    write(folder / "test", *drawn(NAMES, count=2, seed=100))
    learner = make_learner()
    learner.save(folder / "learner.keras")
    learner.adapt(folder / "examples").save(folder / "shapes.keras")
    return folder


def test_of_a_folder(run_cli, folder, tmp_path):
    page = tmp_path / "page.html"
    status, out, err = run_cli(
        *("report", folder / "examples", "--learner", folder / "learner.keras"),
        *("--test", folder / "test", "--output", page),
    )
    assert status == 0, err
    assert "Test accuracy" in out
    assert "Leave-one-out accuracy" in out
    assert f"Wrote {page}" in out
    assert (tmp_path / "page_scores.csv").exists()
    assert "<title>Report of examples</title>" in page.read_text(encoding="utf-8")


def test_of_a_classifier(run_cli, folder, tmp_path):
    page = tmp_path / "page.html"
    status, out, err = run_cli(
        "report", folder / "shapes.keras", "--output", page, "--json"
    )
    assert status == 0, err
    document = json.loads(out)
    assert document["page"] == str(page)
    assert [row["class_name"] for row in document["classes"]] == THREE
    assert document["skipped"] == []


def test_mistakes(run_cli, folder, tmp_path):
    output = ("--output", tmp_path / "page.html")
    for arguments, message in {
        (folder / "learner.keras",): "A learner has no classes of its own",
        (folder / "shapes.keras", "--head=ridge"): "--head is for a folder of examples",
        (folder / "examples", "--examples", folder / "test"): "leave --examples out",
        (folder / "examples", "--learner=a", "--backbone=b"): "not both",
        (folder / "missing.keras",): "There is no file",
    }.items():
        status, _, err = run_cli("report", *arguments, *output)
        assert status == 1, arguments
        assert message in err
    assert not list(tmp_path.iterdir())
