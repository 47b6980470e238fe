"""`fsl-keras propose`."""

import json

import keras
import pytest

import fsl_keras as fsl
from tests.shapes import NAMES, THREE, make_learner, pictures, write


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """The file of a classifier of three shapes."""
    path = tmp_path_factory.mktemp("classifier") / "shapes.keras"
    make_learner().adapt(*pictures(THREE)).save(path)
    return path


def test_images_of_a_folder(run_cli, classifier, tmp_path):
    write(tmp_path / "new", *pictures(NAMES, count=3, seed=50))
    status, out, err = run_cli(
        "propose", classifier, tmp_path / "new", "--budget=2", "--json"
    )
    assert status == 0, err
    found = json.loads(out)["proposals"]
    loaded = keras.saving.load_model(classifier)
    expected = fsl.active.propose(loaded, tmp_path / "new", 2)
    assert [row["file"] for row in found] == [str(p.source) for p in expected]
    assert [row["class_name"] for row in found] == [p.class_name for p in expected]


def test_sentences(run_cli, tmp_path):
    (tmp_path / "a.csv").write_text(
        "text,label\nwhere is my card,card\nmy card is lost,card\n"
        "send money,transfer\ntransfer to a friend,transfer\n",
        encoding="utf-8",
    )
    (tmp_path / "new.txt").write_text("where is my card\nmoney on my card\nhello\n")
    path = tmp_path / "intents.keras"
    status, _, err = run_cli("adapt", tmp_path / "a.csv", f"--output={path}")
    assert status == 0, err
    status, out, err = run_cli(
        "propose", path, tmp_path / "new.txt", "--strategy=margin", "--csv"
    )
    assert status == 0, err
    texts = [line.split(",")[0] for line in out.splitlines()]
    assert texts[0] == "text"
    assert sorted(texts[1:]) == ["hello", "money on my card"]


def test_mistakes(run_cli, classifier, tmp_path):
    write(tmp_path / "new", *pictures(["bar"]))
    status, _, err = run_cli(
        "propose", classifier, tmp_path / "new", "--strategy=margins"
    )
    assert status == 1
    assert "strategy='margins'" in err
    write(tmp_path / "known", *pictures(["bar"]))
    status, _, err = run_cli("propose", classifier, tmp_path / "known")
    assert status == 1
    assert "nothing to propose" in err
