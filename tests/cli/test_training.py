import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from fsl_keras.training.run_folder import Run

SMALL = [
    "--ways=5",
    "--steps=4",
    "--set=train.steps_per_epoch=2",
    "--set=train.validation_episodes=2",
    "--set=train.queries=1",
    "--set=backbone.filters=2",
    "--set=test.protocols=[[5, 1]]",
    "--set=test.episodes=2",
    "--set=test.calibration_episodes=2",
]
COMMAND = [sys.executable, "-m", "fsl_keras.cli"]


def train(folder, *options):
    """Trains in a process of its own: it cannot leave deterministic operations."""
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, "train", "--output", folder, *SMALL, "--deterministic", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, process):
    for _ in range(3000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


def weights(folder):
    model = keras.saving.load_model(pathlib.Path(folder) / "learner.keras")
    return model.get_weights()


@pytest.mark.slow
def test_a_run_that_was_killed_and_resumed_ends_like_one_that_was_not(tmp_path):
    whole = train(tmp_path / "whole")
    killed = train(tmp_path / "killed")
    wait_for(tmp_path / "killed" / "checkpoint.keras", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "killed" / "learner.keras").exists()
    # What the checkpoint holds is not trained again: a mark in it stays.
    history = tmp_path / "killed" / "history.json"
    done = json.loads(history.read_text())
    done["loss"][0] = 123.0
    history.write_text(json.dumps(done))
    resumed = train(tmp_path / "killed", "--resume")
    wait_for(tmp_path / "whole" / "learner.keras", whole)
    whole.kill()  # what else it would leave is not looked at
    whole.communicate()
    out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert "checkpoint.keras" in out
    assert json.loads(history.read_text())["loss"][0] == 123.0
    for one, other in zip(
        weights(tmp_path / "whole"), weights(tmp_path / "killed"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_another_method_and_its_options(run_cli, tmp_path):
    folder = tmp_path / "run"
    status, out, err = run_cli(
        "train",
        "--method=simple_shot",
        "--set=train.augment=false",
        f"--output={folder}",
        *SMALL,
    )
    assert status == 0, err
    assert "5-way 1-shot" in out
    learner = keras.saving.load_model(folder / "learner.keras")
    # From classes that it was not trained on.
    source = learner.base_calibration.source
    assert source.startswith("glyphs validation, 2 episodes")
    assert len(learner.training_classes) == 631


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--method=magic", "no method 'magic'"),
        ("--backbone=magic", "no backbone 'magic'"),
        ("--option=speed=3", "no options ['speed']"),
        ("--set=method.speed=3", "no options ['speed']"),
        ("--set=backbone.speed=3", "no options ['speed']"),
        ("--set=train.speed=3", "no options ['speed']"),
        ("--option=speed", "NAME=VALUE"),
    ],
)
def test_an_option_with_a_mistake(run_cli, tmp_path, option, message):
    status, _, err = run_cli("train", option, "--output", tmp_path / "run")
    assert status == 1
    assert message in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "glyphs"),
        (["--method=matching"], "glyphs-matching"),
        (["--method=matching", "--backbone=resnet12"], "glyphs-matching-resnet12"),
        (["prototypical_conv4_glyphs"], "prototypical_conv4_glyphs"),
    ],
)
def test_the_folder_is_named_after_what_is_trained(
    run_cli, tmp_path, monkeypatch, arguments, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / name / "options.json").touch()
    status, _, err = run_cli("train", *arguments)
    assert status == 1
    assert f"The folder runs/{name} exists" in err


@pytest.mark.slow
def test_a_recipe_and_what_differs_from_it(run_cli, tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[data]\ntransforms = ["reflections"]\n[train]\nways = 7\n')
    arguments = ["train", recipe, "--option=distance=cosine", *SMALL]
    status, _, err = run_cli(*arguments, "--output", tmp_path / "run")
    assert status == 0, err
    assert "`--option` is deprecated. Use `--set method.distance=cosine`" in err
    options = Run.resume(tmp_path / "run", {}).options
    assert options.data.transforms == ("reflections",)
    assert options.train.ways == 5
    assert options.method.arguments == {"distance": "cosine"}
