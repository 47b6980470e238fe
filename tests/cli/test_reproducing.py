import json

import h5py
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras import presets
from fsl_keras.training.run_folder import Run

TINY = """
[data]
name = "glyphs"

[backbone]
filters = 4

[train]
ways = 5
steps = 4
steps_per_epoch = 2
validation_episodes = 4

[test]
protocols = [[5, 1]]
episodes = 4
calibration_episodes = 4
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, run_cli):
    """The folder of a run of a tiny recipe, and what the command printed."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.toml").write_text(TINY)
    status, out, err = run_cli(
        "reproduce", folder / "tiny.toml", "--output", folder / "run"
    )
    assert status == 0, err
    return folder / "run", out


@pytest.fixture
def recipe(tmp_path):
    """A recipe of a user."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_reproducing_writes_a_preset(tiny):
    output, out = tiny
    assert f"Written: {output / 'preset'}" in out
    metadata = presets.metadata(output / "preset")
    assert metadata["command"] == "fsl-keras reproduce tiny.toml"
    assert metadata["data"] == "glyphs train"
    seconds = json.loads((output / "history.json").read_text())["cpu_seconds"]
    assert metadata["cpu_minutes"] == pytest.approx(sum(seconds) / 60, abs=0.006)
    (figure,) = metadata["figures"]
    assert figure["protocol"]["overlap"] == 0
    assert figure["protocol"]["batch_norm"] == "running"
    assert figure["protocol"]["episodes"] == 4
    learner = fsl.from_preset(output / "preset")
    # For one example per class; from classes that it was not trained on.
    assert learner.base_calibration.source.startswith("glyphs validation, 4 episodes")
    assert len(learner.training_classes) == figure["protocol"]["training_classes"]


def test_the_weights_are_stored_without_the_optimizer(tiny):
    learner = fsl.from_preset(tiny[0] / "preset")
    numbers = sum(weight.size for weight in learner.get_weights())
    with h5py.File(tiny[0] / "preset" / "model.weights.h5") as file:
        stored = []
        file.visititems(
            lambda _, item: (
                stored.append(item.size) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert sum(stored) == numbers


@pytest.mark.slow
def test_the_folder_is_named_after_recipe_and_seed(
    recipe, run_cli, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    # Stopped at a checkpoint, which is enough to see where and what it is.
    assert run_cli("reproduce", "tiny.toml", "--seed", 7, "--minutes", 0)[0] == 75
    run = Run.resume("runs/tiny-seed7", {"train": {"seed": 7}})
    assert run.options.train.seed == 7


@pytest.mark.slow
def test_options_are_changed_and_chosen_on_validation_classes(
    recipe, run_cli, tmp_path
):
    changes = ["--set", "train.steps=2", "--set", "backbone.filters=[4, 4, 4, 8]"]
    status, _, err = run_cli(
        "reproduce", recipe, "--validate", *changes, "--output", tmp_path / "run"
    )
    assert status == 0, err
    metadata = presets.metadata(tmp_path / "run" / "preset")
    # As a shell takes it.
    assert metadata["command"] == (
        "fsl-keras reproduce tiny.toml --set train.steps=2 "
        "--set 'backbone.filters=[4, 4, 4, 8]' --validate"
    )
    assert metadata["options"]["train"]["steps"] == 2
    assert metadata["options"]["backbone"]["filters"] == [4, 4, 4, 8]
    (figure,) = metadata["figures"]
    assert figure["protocol"]["dataset"] == "glyphs validation"


@pytest.mark.slow
def test_changes_by_flat_names_are_deprecated(recipe, run_cli, tmp_path):
    folder = tmp_path / "run"
    changes = ["--change", "steps=2", "--change", "reflections=true"]
    status, _, err = run_cli(
        "reproduce", recipe, *changes, "--output", folder, "--minutes", 0
    )
    assert status == 75
    assert "`--change` is deprecated. Use `--set`" in err
    options = Run.resume(folder, {}).options
    assert options.train.steps == 2
    assert options.data.transforms == ("reflections",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--set=train.stepps=2", "stepps"),
        ("--set=steps=2", "TABLE.NAME=VALUE"),
        ("--set=tarin.steps=2", "TABLE.NAME=VALUE"),
        ("--set=train.steps", "NAME=VALUE"),
        ("--change=stepps=2", "stepps"),
        ("--set=test.within_groups=true", "The group of a class"),
    ],
)
def test_a_change_with_a_mistake(recipe, run_cli, tmp_path, change, message):
    status, _, err = run_cli("reproduce", recipe, change, "--output", tmp_path / "run")
    assert status == 1
    assert message in err
    assert not (tmp_path / "run").exists()


def test_a_time_budget_stops_at_a_checkpoint_to_be_resumed(
    tiny, recipe, run_cli, tmp_path
):
    whole, parts = tiny[0], tmp_path / "parts"
    command = ["reproduce", recipe, "--output", parts]
    status, out, _ = run_cli(*command, "--minutes", 0)
    assert status == 75
    assert "epoch 1 is done" in out
    assert "--resume" in out
    assert not (parts / "preset").exists()
    changed = recipe.with_name("changed.toml")
    changed.write_text(TINY.replace("ways = 5", "ways = 6"))
    status, _, err = run_cli("reproduce", changed, "--output", parts, "--resume")
    assert status == 1
    assert "train.ways=5, not 6" in err
    status, *_ = run_cli(*command, "--resume")
    assert status == 0
    history = json.loads((parts / "history.json").read_text())
    assert len(history["cpu_seconds"]) == 2
    pairs = zip(
        fsl.from_preset(whole / "preset").get_weights(),
        fsl.from_preset(parts / "preset").get_weights(),
        strict=True,
    )
    for once, resumed in pairs:
        np.testing.assert_allclose(once, resumed, rtol=1e-4, atol=1e-6)
