import json
import shutil

import keras
import numpy as np
import pytest

from fsl_keras.training.report import write_report
from fsl_keras.training.run import train
from fsl_keras.training.run_folder import Run
from tests.training.checks import small_options


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run, small."""
    run = Run.start(tmp_path_factory.mktemp("runs") / "run", small_options())
    write_report(run, train(run))
    return run


def test_a_run_leaves_everything_in_its_folder(run):
    assert {path.name for path in run.folder.iterdir()} == {
        "options.json",
        "checkpoint.keras",
        "history.json",
        "learner.keras",
        "classifier.keras",
        "saved_model",
        "episodes_5way_1shot.json",
        "report.json",
        "training.png",
        "episode.png",
        "embeddings.png",
    }


def test_the_report_holds_options_and_protocol(run):
    report = json.loads((run.folder / "report.json").read_text())
    assert report["options"] == run.options.tables()
    (test,) = report["tests"]
    assert 0 <= test["accuracy"] <= 1
    assert test["protocol"]["episodes"] == 4
    assert test["protocol"]["overlap"] == 0


def test_the_classifier_of_a_run_knows_unseen_classes(run):
    classifier = keras.saving.load_model(run.folder / "classifier.keras")
    probabilities = classifier.predict(np.zeros((2, 28, 28, 1), "uint8"), verbose=0)
    assert probabilities.shape == (2, 5)


@pytest.mark.slow
def test_training_data_is_not_read_again(colors, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(colors, folder)
    options = small_options(
        data={
            "name": "mini_imagenet",
            "folder": str(folder),
            "test_split": "validation",
        },
        train={"ways": 2, "queries": 1},
    )
    run = Run.start(tmp_path / "run", options)
    learner = train(run)
    shutil.rmtree(folder / "train")
    (report,) = write_report(run, learner)
    assert report.protocol["training_classes"] == 25


@pytest.mark.slow
def test_the_report_shows_what_independent_answers_cost(tmp_path):
    options = small_options(
        suited=True,
        method={"name": "anil", "inner_steps": 1},
        train={"ways": 4, "tasks": 1},
        test={"protocols": [[5, 1], [20, 1]]},
    )
    run = Run.start(tmp_path / "run", options)
    reports = write_report(run, train(run))
    # Ways are fixed, so the test has as many as the training.
    assert [report.protocol["ways"] for report in reports] == [4, 4]
    modes = [report.protocol["batch_norm"] for report in reports]
    assert modes == ["transductive", "support"]
    names = {path.name for path in run.folder.iterdir()}
    assert {"episodes_4way_1shot.json", "episodes_4way_1shot_deployed.json"} <= names
    assert "embeddings.png" not in names


@pytest.mark.slow
def test_a_transductive_head_is_tested_on_imbalanced_queries_too(tmp_path):
    options = small_options(
        suited=True, method={"name": "tim"}, train={"augment": False}
    )
    run = Run.start(tmp_path / "run", options)
    balanced, imbalanced = write_report(run, train(run))
    for report in (balanced, imbalanced):
        assert report.protocol["kind"] == "transductive"
        assert report.protocol["prior"] == "uniform"
        assert "transductive, running BatchNorm, uniform class prior" in str(report)
    assert "DirichletQueries" in str(imbalanced.protocol["queries"])
    assert not (run.folder / "classifier.keras").exists()
    assert (run.folder / "episodes_5way_1shot_imbalanced.json").exists()
