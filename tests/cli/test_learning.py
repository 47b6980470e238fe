"""`fsl-keras learn`: a learner that is kept in a folder, and goes on."""

import json

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.shapes import names, pictures, write


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """The file of a small learner, which was never trained."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("learner") / "learner.keras"
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    return path


@pytest.fixture
def learn(run_cli, tmp_path):
    """Runs `learn` on folders of these classes: what it prints as JSON."""

    def run(part, classes, *options, count=4):
        for name in classes:
            seed = 10 * ["first", "second", "third"].index(part)
            write(tmp_path / part / name, *pictures([name], count, seed=seed))
        status, out, err = run_cli(
            "learn",
            tmp_path / part,
            f"--folder={tmp_path / 'kept'}",
            *options,
            "--json",
        )
        assert status == 0, err
        return json.loads(out)

    return run


def test_it_goes_on_with_known_and_new_classes(learn, learner, tmp_path):
    first = learn("first", ["bar", "disk"], f"--learner={learner}")
    assert (first["classes"], first["examples"]) == (["bar", "disk"], 8)
    second = learn("second", ["disk", "frame"])
    assert (second["classes"], second["examples"]) == (["bar", "disk", "frame"], 16)
    write(tmp_path / "test/bar", *pictures(["bar"], seed=100))
    third = learn("third", ["frame"], f"--test={tmp_path / 'test'}")
    assert third["accuracy"] == 1.0
    kept = fsl.FewShotLearner.load(tmp_path / "kept")
    assert [note["step"] for note in kept.history] == [
        "learn_from_few_examples",
        "continual_update",
        "continual_update",
    ]
    assert names(kept.classifier, pictures(["frame"], seed=100)[0]) == ["frame"] * 4


def test_pretraining_without_labels_from_nested_folders(learn, learner, tmp_path):
    write(tmp_path / "unlabeled/a", *pictures(["bar", "beam"]))
    write(tmp_path / "unlabeled/b/c", *pictures(["disk"]))
    learn(
        "first",
        ["bar", "disk"],
        f"--learner={learner}",
        f"--unlabeled={tmp_path / 'unlabeled'}",
        "--steps=2",
    )
    kept = fsl.FewShotLearner.load(tmp_path / "kept")
    assert kept.history[0]["step"] == "pretrain"
    assert "12 in all" in kept.history[0]["items"]
    before = keras.saving.load_model(learner).get_weights()
    after = kept.learner.get_weights()
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))


def test_a_preset(learn):
    found = learn("first", ["bar", "disk"], "--learner=prototypical_conv4_glyphs")
    assert found["classes"] == ["bar", "disk"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give a --learner, such as prototypical_conv4_glyphs"),
        (["--learner=protypical_conv4_glyphs"], "prototypical_conv4_glyphs"),
        (["--learner=none.keras"], "none.keras"),
        (["--learner=a.keras", "--backbone=mobilenet_v2"], "--backbone"),
    ],
    ids=["nothing", "misspelled", "no file", "both"],
)
def test_mistakes_leave_no_folder(run_cli, tmp_path, options, message):
    write(tmp_path / "photos/bar", *pictures(["bar"]))
    kept = tmp_path / "kept"
    status, _, err = run_cli("learn", tmp_path / "photos", f"--folder={kept}", *options)
    assert status == 1
    assert message in err
    assert not kept.exists()


def test_the_report_of_the_test_is_a_table(run_cli, learner, tmp_path):
    for name in ("bar", "disk"):
        write(tmp_path / "photos" / name, *pictures([name]))
    status, out, err = run_cli(
        "learn",
        tmp_path / "photos",
        f"--folder={tmp_path / 'kept'}",
        f"--learner={learner}",
        f"--test={tmp_path / 'photos'}",
    )
    assert status == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("Knows 2 classes from 8 different images")
    assert lines[1].split() == ["precision", "recall", "f1", "images"]
    assert "accuracy 100.0 %" in lines[-1]


def test_a_kept_learner_is_not_replaced(run_cli, learn, learner, tmp_path):
    learn("first", ["bar", "disk"], f"--learner={learner}")
    status, _, err = run_cli(
        "learn",
        tmp_path / "first",
        f"--folder={tmp_path / 'kept'}",
        f"--learner={learner}",
    )
    assert status == 1
    assert "has a learner already" in err
